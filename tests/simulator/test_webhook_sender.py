"""Delivery of webhooks: retried, given up, claimed, resent."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock

import pytest
import requests
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone
from pytest_django.fixtures import Settings
from time_machine import Traveller

from django_faceauth.simulator import fault_injection, webhook_queue, webhook_sender
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.state_machine import Unknown
from django_faceauth.simulator.webhook_sender import client_sender
from tests.provider.loopback import resets, serving, tells
from tests.simulator.merchant import Merchant
from tests.simulator.site import Site

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WAITS = [timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60, 240, 720, 720)]


@pytest.fixture
def delivery(merchant: Merchant, clock: Traveller, site: Site) -> Delivery:
    """The first event of a face authentication, which waits."""
    merchant.create()
    return Delivery.objects.get()


def test_an_accepted_event_is_done(delivery: Delivery, clock: Traveller, site: Site) -> None:
    site.answer(204)

    assert site.is_told() == ["created"]

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.answer) == ("delivered", 1, "204")
    assert (delivery.next_try, delivery.answered_on) == (None, NOON)
    clock.shift(timedelta(days=2))
    assert site.is_told() == []


@pytest.mark.parametrize("minute", [60, 0.5])
def test_an_event_is_retried_eight_times_and_then_given_up(
    delivery: Delivery, clock: Traveller, site: Site, minute: float
) -> None:
    fault_injection.set_webhooks({"minute": minute})
    site.answer(500)
    site.is_told()

    for wait in WAITS:
        clock.shift(wait * minute / 60 - timedelta(seconds=1))
        assert site.is_told() == []
        clock.shift(1)
        assert site.is_told() == ["created"]

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.next_try) == ("given_up", 9, None)
    assert len({(row.body, row.headers["Cko-Signature"]) for row in site.received}) == 1

    webhook_queue.resend(delivery.event_id, timezone.now())
    site.answer(200)
    assert site.is_told() == ["created"]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("delivered", 1)
    with pytest.raises(Unknown):
        webhook_queue.resend("evt_a", timezone.now())


@pytest.mark.parametrize(
    ("answer", "noted"),
    [
        *((301, "301"), (404, "404"), (503, "503")),
        (requests.ReadTimeout("https://user:password@bank.example"), "ReadTimeout"),
    ],
)
def test_an_event_that_is_not_accepted_is_retried(
    delivery: Delivery, clock: Traveller, site: Site, answer: int | Exception, noted: str
) -> None:
    site.answer(answer, 200)

    site.is_told()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.answer, delivery.tries) == ("pending", noted, 1)
    assert delivery.next_try == NOON + 5 * MINUTE
    assert site.is_told() == []
    assert webhook_queue.hurry(timezone.now()) == 1
    assert site.is_told() == ["created"]
    assert webhook_queue.hurry(timezone.now()) == 0


def test_an_event_outlives_a_process_that_ends_while_sending(
    delivery: Delivery, clock: Traveller, site: Site
) -> None:
    site.answer(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        site.is_told()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("sending", 0)
    site.answer(200)
    assert site.is_told() == []
    clock.shift(webhook_sender.CLAIM_LIFETIME)
    assert site.is_told() == ["created"]


def test_a_delivery_that_changed_since_it_was_read_is_not_sent(
    delivery: Delivery, site: Site
) -> None:
    stale = Delivery.objects.get()
    assert webhook_sender.deliver(delivery, site)

    assert not webhook_sender.deliver(stale, site)
    assert webhook_sender.deliver(delivery, site)
    assert [received.name for received in site.received] == ["created", "created"]
    assert (delivery.state, delivery.tries) == ("delivered", 2)


def test_sending_again_wins_over_the_try_that_is_under_way(
    delivery: Delivery, clock: Traveller, site: Site
) -> None:
    def resent_meanwhile(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        webhook_queue.resend(delivery.event_id, timezone.now())
        return 200

    webhook_sender.deliver_due(timezone.now(), resent_meanwhile)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)
    assert site.is_told() == ["created"]


def test_the_next_thing_to_do_is_known(
    merchant: Merchant, clock: Traveller, site: Site, settings: Settings
) -> None:
    assert webhook_sender.due_on() is None

    merchant.attempt(merchant.create())
    assert webhook_sender.due_on() == NOON
    site.is_told()
    assert webhook_sender.due_on() == NOON + 15 * MINUTE

    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = ""
    assert webhook_sender.due_on() is None


@pytest.mark.django_db(transaction=True)
def test_of_several_senders_one_delivers(site: Site) -> None:
    """Each event is sent by one of several processes."""
    merchant = Merchant()
    for _ in range(5):
        merchant.create()
    barrier, lock = Barrier(4), Lock()

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        with lock:
            return site(url, body, headers)

    def look(_number: int) -> int:
        barrier.wait()
        try:
            return webhook_sender.deliver_due(timezone.now(), send)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as senders:
        sent = list(senders.map(look, range(4)))

    assert sum(sent) == len(site.received) == 5
    assert len({row.body for row in site.received}) == 5
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def receive(request: HttpRequest) -> HttpResponse:
    """A webhook view of some site."""
    assert request.is_secure()
    received.append((request.body, request.headers["Cko-Signature"], request.content_type))
    return HttpResponse(status=202)


received: list[tuple[bytes, str, str]] = []
urlpatterns = [path("face/webhook/", receive)]


@pytest.mark.urls(__name__)
def test_events_can_be_delivered_into_the_views_of_this_process(
    delivery: Delivery, client: Client, site: Site
) -> None:
    received.clear()

    assert webhook_sender.deliver(delivery, client_sender(client))

    [(body, signature, content_type)] = received
    assert body == delivery.body.encode()
    assert (len(signature), content_type) == (64, "application/json")
    assert delivery.answer == "202"


@pytest.mark.enable_socket
def test_over_http(delivery: Delivery, settings: Settings) -> None:
    """Bytes arrive unchanged, redirects are not followed, broken connections are retried."""
    body = delivery.body.encode()
    headers = webhook_sender.headers_of(body, webhook_sender.first_key())
    with serving(tells({"thanks": True}, 302, Location="/elsewhere")) as server:
        status = webhook_sender.over_http(f"{server.url}/face/webhook/", body, headers)

    assert status == 302
    [request] = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/face/webhook/", body)
    assert request.headers.items() >= headers.items()

    with serving(resets) as server:
        settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = server.url
        webhook_sender.deliver_due(timezone.now())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.answer) == ("pending", "ConnectionError")
