"""Faults on demand."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from django_faceauth.exceptions import SignatureInvalid
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret
from django_faceauth.simulator import fault_injection, webhook_queue
from django_faceauth.simulator.models import Delivery
from tests.simulator.merchant import APPLICANT, BACK, JOURNEY, KEYS

NEW = {"applicant_id": APPLICANT, "user_journey_id": JOURNEY}


def test_all_events_can_be_lost_and_still_be_sent(merchant, site):
    fault_injection.set_webhooks({"drop": 1})
    merchant.create()

    assert site.is_told() == []
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_try) == ("dropped", None)

    webhook_queue.resend(delivery.event_id, timezone.now())
    assert site.is_told() == ["created"]


def test_a_share_of_events_can_be_lost(merchant, site):
    fault_injection.set_webhooks({"drop": 0.5})
    for _ in range(50):  # not even one, or all: once in 2 ** 49 runs
        merchant.create()

    assert 0 < Delivery.objects.filter(state="dropped").count() < 50


def test_copies_and_signatures_are_those_of_the_delivery(merchant, clock, site):
    merchant.create()
    fault_injection.set_webhooks({"copies": 3, "wrong_signature": True})

    assert site.is_told() == ["created"] * 3
    assert len({received.body for received in site.received}) == 1
    assert Delivery.objects.get().tries == 1
    [received, *_] = site.received
    with pytest.raises(SignatureInvalid):
        signatures.verify(
            received.body,
            received.headers["Cko-Signature"],
            keys=[Secret(key) for key in KEYS],
        )
    fault_injection.clear()
    clock.shift(timedelta(days=1))
    assert site.is_told() == []


def test_events_can_be_late(merchant, clock, site):
    fault_injection.set_webhooks({"delay": 90})
    merchant.create()

    clock.shift(89)
    assert site.is_told() == []
    clock.shift(1)
    assert site.is_told() == ["created"]


def test_events_can_be_reordered(merchant, clock, site):
    """New ones wait until no more come; then the newest goes first. Retries do not wait."""
    fault_injection.set_webhooks({"reorder": True})
    fav = merchant.create()
    clock.shift(3)
    merchant.attempt(fav)
    clock.shift(3)

    assert site.is_told() == []
    clock.shift(2)
    site.answer(500, 500, 200)
    assert site.is_told() == ["opened", "created"]
    clock.shift(298)
    merchant.create()
    clock.shift(2)
    assert site.is_told() == ["opened", "created"]


def test_errors_of_the_provider(merchant):
    fault_injection.add_call({"kind": "too_many_requests", "amount": 7, "calls": 1})
    fault_injection.add_call({"kind": "server_error", "amount": 503, "calls": 1})

    answers = [merchant.call("POST", "face-authentications", json=NEW) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 503, 201]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].headers["Cko-Request-Id"]
    assert answers[1].content == b""


@pytest.mark.parametrize(
    ("kind", "seconds", "timeout", "status"),
    [
        ("latency", 3, 2.5, "created"),
        ("latency", 3, (10, 2.5), "created"),
        ("no_answer", 30, 10, "pending"),
        ("slow_body", 30, 10, "pending"),
    ],
)
def test_a_client_that_does_not_wait_times_out(merchant, kind, seconds, timeout, status):
    """A late response leaves the call undone; no response or a slow one follows its effect."""
    fav = merchant.create()
    fault_injection.add_call({"kind": kind, "amount": seconds, "operation": "create_attempt"})

    with pytest.raises(requests.ReadTimeout):
        merchant.call(
            "POST",
            f"face-authentications/{fav}/attempts",
            json={"redirect_url": BACK},
            timeout=timeout,
        )

    assert merchant.read(fav)["status"] == status


@pytest.mark.parametrize("timeout", [None, 5, (1, 5)])
@pytest.mark.parametrize("kind", ["latency", "no_answer", "slow_body"])
def test_a_client_that_waits_gets_the_response(merchant, kind, timeout):
    fault_injection.add_call({"kind": kind, "amount": 3})

    answer = merchant.call("POST", "face-authentications", json=NEW, timeout=timeout)

    assert answer.status_code == 201
    assert answer.json()["status"] == "created"
    assert answer.headers["Content-Length"] == str(len(answer.content))


CALLS = {
    "create_authentication": ("POST", "face-authentications"),
    "get_authentication": ("GET", "face-authentications/{fav}"),
    "create_attempt": ("POST", "face-authentications/{fav}/attempts"),
    "list_attempts": ("GET", "face-authentications/{fav}/attempts"),
    "get_event_types": ("GET", "workflows/event-types"),
}


@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_can_be_for_one_operation_only(merchant, operation):
    fav = merchant.create()
    fault_injection.add_call({"kind": "server_error", "amount": 599, "operation": operation})

    failed = {
        name
        for name, (method, path) in CALLS.items()
        if merchant.call(method, path.format(fav=fav)).status_code == 599
    }

    assert failed == {operation}


def test_faults_spare_callers_without_credentials_pages_and_controls(merchant, visitor):
    link = merchant.capture_url(merchant.create())
    fault_injection.add_call({"kind": "server_error", "amount": 500, "calls": 1})

    assert visitor.show_face(link)
    assert merchant.call("GET", "control/deliveries").status_code == 200
    merchant.session.headers["Authorization"] = "Bearer sk_sbox_other"
    assert merchant.call("POST", "face-authentications", json=NEW).status_code == 401
    assert len(fault_injection.calls()) == 1
