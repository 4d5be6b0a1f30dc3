"""A broker that is away costs nothing but time (D-01, TH-41)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
from django.utils import timezone

from django_faceauth.models import WebhookEvent
from tests.celery.stage import Stage, signed
from tests.server import free_port
from tests.webhook_deliveries import URL, event

ADDRESSES = {"redis": "redis://127.0.0.1:{}/0", "amqp": "amqp://guest:guest@127.0.0.1:{}//"}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def seconds_taken(stage: Stage, envelope: dict) -> float:
    """Return for how long the server is busy with a delivery, the time after its answer too.

    It reads the next request of a connection only when it is done with the one before.
    """
    with closing(HTTPConnection("127.0.0.1", stage.port, timeout=60)) as line:
        begun = time.monotonic()
        delivery = signed(envelope)
        line.request("POST", URL, delivery["data"], delivery["headers"])
        answer = line.getresponse()
        assert (answer.status, answer.read()) == (200, b"ok")
        line.auto_open = 0  # the same connection, or none
        line.request("GET", "/face/webhook/")
        assert line.getresponse().status == 405
        return time.monotonic() - begun


@pytest.mark.parametrize("transport", ADDRESSES)
@pytest.mark.parametrize("trouble", ["refuses", "is silent"])
def test_the_answer_comes_and_the_sweep_does_the_rest(
    stage, captured, silent_port, transport, trouble
):
    people = [captured() for _ in range(4)]
    port = free_port() if trouble == "refuses" else silent_port
    stage.open_site(broker_url=ADDRESSES[transport].format(port))
    stage.post(event(people[0].authentication))  # what is imported late is imported now

    taken = [seconds_taken(stage, event(person.authentication)) for person in people]

    # A machine with much else to do may be late once.
    assert min(taken) < 1.0, taken
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"stored"}

    def swept() -> bool:
        left = WebhookEvent.objects.filter(state="stored")  # by a sweep before this one
        left.update(due_at=timezone.now())  # a minute later
        stage.manage("faceauth_sync")
        return all(person.challenge.state == "granted" for person in people)

    stage.eventually(swept)  # a busy machine may put one off, as a sweep does
