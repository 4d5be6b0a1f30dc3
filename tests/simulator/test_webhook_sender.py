"""Delivery of webhooks: retried, given up, claimed, resent."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Barrier, Lock

import pytest
import requests
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from django_faceauth.simulator import fault_injection, webhook_queue, webhook_sender
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.state_machine import Unknown
from django_faceauth.simulator.webhook_sender import SenderThread
from tests.provider.loopback import resets, serving, tells
from tests.simulator.merchant import Merchant

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WAITS = [timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60, 240, 720, 720)]


@pytest.fixture
def delivery(merchant, clock, site):
    """The first event of a face authentication, which waits."""
    merchant.create()
    return Delivery.objects.get()


@pytest.mark.parametrize("minute", [60, 0.5])
def test_an_event_is_retried_eight_times_and_then_given_up(delivery, clock, site, minute):
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
        *((204, "204"), (301, "301"), (404, "404"), (503, "503")),
        (requests.ReadTimeout("https://user:password@bank.example"), "ReadTimeout"),
    ],
)
def test_an_event_is_retried_until_it_is_accepted(delivery, clock, site, answer, noted):
    site.answer(answer, 200)

    assert site.is_told() == ["created"]

    delivery.refresh_from_db()
    assert (delivery.answer, delivery.answered_on, delivery.tries) == (noted, NOON, 1)
    is_accepted = answer == 204
    assert delivery.state == ("delivered" if is_accepted else "pending")
    assert delivery.next_try == (None if is_accepted else NOON + 5 * MINUTE)
    assert site.is_told() == []
    assert webhook_queue.hurry(timezone.now()) == (not is_accepted)
    assert site.is_told() == ([] if is_accepted else ["created"])
    assert webhook_queue.hurry(timezone.now()) == 0
    clock.shift(timedelta(days=2))
    assert site.is_told() == []


def test_an_event_outlives_a_process_that_ends_while_sending(delivery, clock, site):
    site.answer(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        site.is_told()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("sending", 0)
    site.answer(200)
    assert site.is_told() == []
    clock.shift(webhook_sender.CLAIM_LIFETIME)
    assert site.is_told() == ["created"]


def test_a_delivery_that_changed_since_it_was_read_is_not_sent(delivery, site):
    stale = Delivery.objects.get()
    assert webhook_sender.deliver(delivery, site)

    assert not webhook_sender.deliver(stale, site)
    assert webhook_sender.deliver(delivery, site)
    assert [received.name for received in site.received] == ["created", "created"]
    assert (delivery.state, delivery.tries) == ("delivered", 2)


def test_sending_again_wins_over_the_try_that_is_under_way(delivery, clock, site):
    def resent_meanwhile(_url, _body, _headers):
        webhook_queue.resend(delivery.event_id, timezone.now())
        return 200

    webhook_sender.deliver_due(timezone.now(), resent_meanwhile)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)
    assert site.is_told() == ["created"]


def test_the_next_thing_to_do_is_known(merchant, clock, site, settings):
    assert webhook_sender.pause() is None

    merchant.attempt(merchant.create())
    assert webhook_sender.pause() == 0.2
    site.is_told()
    assert webhook_sender.pause() == 30
    clock.shift(15 * 60 - 0.5)
    assert webhook_sender.pause() == 0.5

    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = ""
    assert webhook_sender.pause() is None


@pytest.mark.django_db(transaction=True)
def test_of_several_senders_one_delivers(site):
    """Each event is sent by one of several processes."""
    merchant = Merchant()
    for _ in range(5):
        merchant.create()
    barrier, lock = Barrier(4), Lock()

    def send(*webhook):
        with lock:
            return site(*webhook)

    def look(_number):
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


@pytest.mark.enable_socket
def test_over_http(delivery, settings):
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


# -- the thread of a running server


@pytest.fixture
def running(transactional_db, site):
    """A thread with the site's answers, and the queue of what it has sent."""
    sent = Queue()

    def send(url, body, headers):
        sent.put(json.loads(body)["type"])
        return site(url, body, headers)

    thread = SenderThread(send)
    webhook_queue.filled.connect(thread.wake)
    yield thread, sent
    webhook_queue.filled.disconnect(thread.wake)
    with thread.paused():
        pass


def test_committed_events_are_delivered_and_retried(running, site):
    _thread, sent = running
    fault_injection.set_webhooks({"minute": 0.01})
    site.answer(500, 200)

    with transaction.atomic():
        Merchant().create()
        transaction.set_rollback(True)
    Merchant().create()

    for _ in range(2):
        assert sent.get(timeout=20) == "face_authentication_created"
    assert sent.empty()
    assert Delivery.objects.count() == 1


def test_an_error_does_not_end_the_thread(running, site, caplog):
    thread, sent = running
    site.answer(OperationalError("database is locked by /secret/path"), 200)

    with caplog.at_level(logging.WARNING, "django_faceauth"):
        for _ in range(2):
            Merchant().create()
            assert sent.get(timeout=20) == "face_authentication_created"
            Delivery.objects.update(state="pending")
    with thread.paused():
        assert caplog.messages == ["webhooks could not be delivered: OperationalError"]


def test_a_paused_thread_sends_nothing_until_the_control_page_wakes_it(running, client):
    """A server that was restarted does not know of waiting events."""
    thread, sent = running
    with thread.paused():
        thread.wake()
        Merchant().create()
        assert sent.empty()

    client.get("/simulator/")

    assert sent.get(timeout=20) == "face_authentication_created"
