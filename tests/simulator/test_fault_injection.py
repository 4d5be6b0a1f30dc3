"""Faults on demand."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import requests
from django.db import connection
from django.utils import timezone

from django_faceauth.exceptions import SignatureInvalid
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret
from django_faceauth.simulator import fault_injection, webhook_queue
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.view_decorators import OPERATIONS
from tests.simulator.merchant import APPLICANT, BACK, JOURNEY, KEY, KEYS, Merchant

NEW = {"applicant_id": APPLICANT, "user_journey_id": JOURNEY}


# -- webhooks


def test_all_events_can_be_lost_and_still_be_sent(merchant, site):
    fault_injection.set_webhooks({"drop": 1})
    merchant.create()

    assert site.is_told() == []
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_try) == ("dropped", None)

    webhook_queue.resend(delivery.event_id, timezone.now())
    assert site.is_told() == ["created"]


def test_a_share_of_events_can_be_lost():
    events = [f"evt_{number}" for number in range(1000)]

    counts = [
        sum(webhook_queue.is_lost(event, share) for event in events) for share in (0, 0.3, 0.4, 1)
    ]

    assert counts[0] == 0 < 200 < counts[1] < counts[2] < 500 < counts[3] == 1000


def test_copies_and_signatures_are_those_of_the_delivery(merchant, clock, site):
    """Not those of the event."""
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


# -- calls


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


@pytest.mark.parametrize("kind", ["latency", "no_answer", "slow_body"])
def test_over_http_the_server_waits(db, client, kind):
    waited: list[float] = []
    fault_injection.add_call({"kind": kind, "amount": 12})

    answer = client.post(
        "/simulator/face-authentications",
        json.dumps(NEW),
        "application/json",
        headers={"Authorization": f"Bearer {KEY}"},
        **{fault_injection.PAUSE: waited.append},
    )

    assert answer.status_code == 201
    assert waited == ([] if kind == "slow_body" else [12])
    parts = list(answer)
    assert json.loads(b"".join(parts))["status"] == "created"
    assert sum(waited) == pytest.approx(12)
    if kind == "slow_body":
        assert {len(part) for part in parts} == {1}
        assert answer["Content-Length"] == str(len(parts))


def test_without_a_client_that_times_out_the_server_sleeps(db, client):
    fault_injection.add_call({"kind": "latency", "amount": 0.01})

    answer = client.post(
        "/simulator/face-authentications", headers={"Authorization": f"Bearer {KEY}"}
    )

    assert answer.status_code == 400


def test_error_responses_can_be_late_too(merchant):
    fault_injection.add_call({"kind": "slow_body", "amount": 3, "calls": 1})
    answer = merchant.call("GET", "face-authentications/fav_a", timeout=1)
    assert (answer.status_code, answer.content) == (404, b"")

    fault_injection.add_call({"kind": "no_answer", "amount": 3})
    with pytest.raises(requests.ReadTimeout):
        merchant.call("POST", "face-authentications", json={}, timeout=1)


def test_counted_faults_come_first_and_end_after_their_calls(merchant):
    fault_injection.add_call({"kind": "server_error", "amount": 500})
    fault_injection.add_call({"kind": "server_error", "amount": 501, "calls": 2})
    fault_injection.add_call({"kind": "server_error", "amount": 502, "calls": 1})

    statuses = [
        merchant.call("POST", "face-authentications", json=NEW).status_code for _ in range(5)
    ]

    assert statuses == [501, 501, 502, 500, 500]
    assert len(fault_injection.calls()) == 1


AUTHENTICATION = "face-authentications/{fav}"
APPLICANT_PATH = f"applicants/{APPLICANT}"
VERIFICATION = "identity-verifications/idv_x"
CALLS = {
    "create_authentication": ("POST", "face-authentications"),
    "get_authentication": ("GET", AUTHENTICATION),
    "anonymize_authentication": ("POST", f"{AUTHENTICATION}/anonymize"),
    "create_attempt": ("POST", f"{AUTHENTICATION}/attempts"),
    "list_attempts": ("GET", f"{AUTHENTICATION}/attempts"),
    "get_attempt": ("GET", f"{AUTHENTICATION}/attempts/{{fatp}}"),
    "list_assets": ("GET", f"{AUTHENTICATION}/attempts/{{fatp}}/assets"),
    "create_applicant": ("POST", "applicants"),
    "get_applicant": ("GET", APPLICANT_PATH),
    "update_applicant": ("PATCH", APPLICANT_PATH),
    "anonymize_applicant": ("POST", f"{APPLICANT_PATH}/anonymize"),
    "create_and_open_identity_verification": ("POST", "create-and-open-idv"),
    "create_identity_verification": ("POST", "identity-verifications"),
    "get_identity_verification": ("GET", VERIFICATION),
    "anonymize_identity_verification": ("POST", f"{VERIFICATION}/anonymize"),
    "create_identity_verification_attempt": ("POST", f"{VERIFICATION}/attempts"),
    "list_identity_verification_attempts": ("GET", f"{VERIFICATION}/attempts"),
    "get_identity_verification_attempt": ("GET", f"{VERIFICATION}/attempts/iatp_x"),
    "get_event_types": ("GET", "workflows/event-types"),
    "list_workflows": ("GET", "workflows"),
    "create_workflow": ("POST", "workflows"),
    "get_workflow": ("GET", "workflows/wf_x"),
    "update_workflow": ("PATCH", "workflows/wf_x"),
    "delete_workflow": ("DELETE", "workflows/wf_x"),
    "update_workflow_action": ("PUT", "workflows/wf_x/actions/wfa_x"),
    "test_workflow": ("POST", "workflows/wf_x/test"),
}


def test_faults_may_be_for_each_operation():
    assert sorted(OPERATIONS) == sorted(CALLS)


@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_can_be_for_one_operation_only(merchant, operation):
    fav = merchant.create()
    fatp = merchant.attempt(fav)["id"]
    fault_injection.add_call({"kind": "server_error", "amount": 599, "operation": operation})

    failed = {
        name
        for name, (method, path) in CALLS.items()
        if merchant.call(method, path.format(fav=fav, fatp=fatp)).status_code == 599
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


@pytest.mark.django_db(transaction=True)
def test_concurrent_calls_use_up_a_fault_exactly():
    fault_injection.add_call({"kind": "server_error", "amount": 500, "calls": 3})
    barrier = Barrier(8)

    def call(_number: int) -> int:
        barrier.wait()
        try:
            return Merchant().call("GET", "face-authentications/fav_a").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as callers:
        statuses = sorted(callers.map(call, range(8)))

    assert statuses == [404] * 5 + [500] * 3
    assert fault_injection.calls() == []
