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

        one = SenderThread(send)
        webhook_queue.filled.connect(lambda **_: one.wake(), weak=False, dispatch_uid="test")
        made.append(one)
        return one

    yield make
    webhook_queue.filled.disconnect(dispatch_uid="test")
    for one in made:
        with one.paused():
            pass


def test_what_is_committed_is_delivered_by_itself(running: Running) -> None:
    told: Queue[str] = Queue()
    running(lambda received: told.put(received.name) or 200)
    merchant = Merchant()

    merchant.attempt(merchant.create())

    assert [told.get(timeout=SECONDS) for _ in range(2)] == ["created", "opened"]


def test_what_is_rolled_back_is_not(running: Running) -> None:
    told: Queue[str] = Queue()
    running(lambda received: told.put(received.name) or 200)

    with transaction.atomic():
        Merchant().create()
        transaction.set_rollback(True)
    Merchant().create()

    assert told.get(timeout=SECONDS) == "created"
    assert told.empty()
    assert Delivery.objects.count() == 1


def test_time_goes_on_by_itself(running: Running) -> None:
    """What was not accepted is sent again without anybody asking."""
    fault_injection.set_webhooks({"minute": 0.01})
    told: Queue[str] = Queue()
    answers = iter([500])
    running(lambda received: told.put(received.name) or next(answers, 200))

    Merchant().create()

    assert [told.get(timeout=SECONDS) for _ in range(2)] == ["created", "created"]


def test_trouble_does_not_end_the_rounds(
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
        one = running(answer)
        Merchant().create()
        assert told.get(timeout=SECONDS) == "created"
        Delivery.objects.update(state="pending")
        Merchant().create()

        assert told.get(timeout=SECONDS) == "created"
    with one.paused():
        assert caplog.messages == ["webhooks could not be delivered: OperationalError"]


def test_the_control_page_reminds_a_server_of_what_waits(running: Running, client: Client) -> None:
    """One that was restarted knows of nothing that waits."""
    told: Queue[str] = Queue()
    one = running(lambda received: told.put(received.name) or 200)
    with one.paused():
        Merchant().create()

    client.get("/simulator/")

    assert told.get(timeout=SECONDS) == "created"


def test_while_paused_there_is_no_thread(running: Running) -> None:
    told: Queue[str] = Queue()
    one = running(lambda received: told.put(received.name) or 200)

    with one.paused():
        one.wake()
        Merchant().create()
        assert told.empty()
    one.wake()

    assert told.get(timeout=SECONDS) == "created"


def test_a_process_has_rounds_of_its_own(transactional_db: None, settings: Settings) -> None:
    """The real ones: they start with the first webhook, and end in the hand of a test."""
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
