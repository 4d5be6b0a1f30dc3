"""The thread of a running server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from queue import Queue

import pytest
from django.db import OperationalError, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from django_faceauth.simulator import fault_injection, webhook_queue, webhook_sender
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.webhook_sender import SenderThread
from tests.simulator.merchant import Merchant
from tests.simulator.site import URL, Received, Site

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECONDS = 20
Running = Callable[[Callable[[Received], int]], SenderThread]


@pytest.fixture
def running(transactional_db: None, site: Site) -> Iterator[Running]:
    """A maker of threads that end with the test."""
    made: list[SenderThread] = []

    def make(answer: Callable[[Received], int]) -> SenderThread:
        def send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
            return answer(Received(url, body, headers))

        thread = SenderThread(send)
        webhook_queue.filled.connect(lambda **_: thread.wake(), weak=False, dispatch_uid="test")
        made.append(thread)
        return thread

    yield make
    webhook_queue.filled.disconnect(dispatch_uid="test")
    for thread in made:
        with thread.paused():
            pass


def test_committed_events_are_delivered_and_retried(running: Running) -> None:
    fault_injection.set_webhooks({"minute": 0.01})
    told: Queue[str] = Queue()
    answers = iter([500])
    running(lambda received: told.put(received.name) or next(answers, 200))

    with transaction.atomic():
        Merchant().create()
        transaction.set_rollback(True)
    Merchant().create()

    assert [told.get(timeout=SECONDS) for _ in range(2)] == ["created", "created"]
    assert told.empty()
    assert Delivery.objects.count() == 1


def test_an_error_does_not_end_the_thread(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    told: Queue[str] = Queue()
    troubles = iter([OperationalError("database is locked by /secret/path")])

    def answer(received: Received) -> int:
        told.put(received.name)
        for trouble in troubles:
            raise trouble
        return 200

    with caplog.at_level(logging.WARNING, "django_faceauth"):
        thread = running(answer)
        Merchant().create()
        assert told.get(timeout=SECONDS) == "created"
        Delivery.objects.update(state="pending")
        Merchant().create()

        assert told.get(timeout=SECONDS) == "created"
    with thread.paused():
        assert caplog.messages == ["webhooks could not be delivered: OperationalError"]


def test_a_paused_thread_sends_nothing_until_the_control_page_wakes_it(
    running: Running, client: Client
) -> None:
    """A server that was restarted does not know of waiting events."""
    told: Queue[str] = Queue()
    thread = running(lambda received: told.put(received.name) or 200)
    with thread.paused():
        thread.wake()
        Merchant().create()
        assert told.empty()

    client.get("/simulator/")

    assert told.get(timeout=SECONDS) == "created"


def test_the_thread_of_the_process_can_be_paused(
    transactional_db: None, settings: Settings
) -> None:
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = URL
    with webhook_sender.thread.paused():
        Merchant().create()

    assert Delivery.objects.get().tries == 0


@pytest.mark.parametrize(
    ("due_in", "pause"), [(None, None), (-5, 0.2), (0.5, 0.5), (12 * 3600, 30)]
)
def test_the_pause_is_neither_too_short_nor_too_long(
    due_in: float | None, pause: float | None
) -> None:
    due_on = None if due_in is None else NOON + timedelta(seconds=due_in)

    assert webhook_sender.pause_until(due_on, NOON) == pause
