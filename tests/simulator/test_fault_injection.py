"""What goes wrong on demand."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from time_machine import Traveller

from django_faceauth.exceptions import SignatureInvalid
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret
from django_faceauth.simulator import fault_injection, webhook_queue, webhook_sender
from django_faceauth.simulator.capture_driver import CaptureDriver
from django_faceauth.simulator.forms import OPERATIONS
from django_faceauth.simulator.models import CallFault, Delivery, WebhookFaults
from tests.simulator.merchant import APPLICANT, BACK, JOURNEY, KEY, Merchant
from tests.simulator.site import KEYS, Site

NEW = {"applicant_id": APPLICANT, "user_journey_id": JOURNEY}


# -- webhooks


def test_all_events_can_be_lost(merchant: Merchant, site: Site) -> None:
    fault_injection.set_webhooks({"drop": 1})
    merchant.create()

    assert site.is_told() == []
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_try) == ("dropped", None)


def test_what_was_lost_can_be_sent_after_all(merchant: Merchant, site: Site) -> None:
    fault_injection.set_webhooks({"drop": 1})
    merchant.create()

    webhook_queue.resend(Delivery.objects.get().event_id, timezone.now())

    assert site.is_told() == ["created"]


def test_a_share_of_events_can_be_lost() -> None:
    events = [f"evt_{number}" for number in range(1000)]

    lost = {event for event in events if webhook_queue.is_lost(event, 0.3)}

    assert 200 < len(lost) < 400
    assert not any(webhook_queue.is_lost(event, 0) for event in events)
    assert all(webhook_queue.is_lost(event, 1) for event in events)
    assert lost <= {event for event in events if webhook_queue.is_lost(event, 0.4)}


def test_each_event_can_come_more_than_once(merchant: Merchant, site: Site) -> None:
    fault_injection.set_webhooks({"copies": 3})
    merchant.create()

    assert site.is_told() == ["created"] * 3
    assert len({one.body for one in site.received}) == 1
    assert Delivery.objects.get().tries == 1


def test_events_can_be_late(merchant: Merchant, clock: Traveller, site: Site) -> None:
    fault_injection.set_webhooks({"delay": 90})
    merchant.create()

    clock.shift(89)
    assert site.is_told() == []
    clock.shift(1)
    assert site.is_told() == ["created"]


def test_events_can_change_places(merchant: Merchant, clock: Traveller, site: Site) -> None:
    """They wait until no new ones are coming; then the newest goes first."""
    fault_injection.set_webhooks({"reorder": True})
    fav = merchant.create()
    clock.shift(3)
    merchant.attempt(fav)
    clock.shift(3)

    assert site.is_told() == []
    clock.shift(2)
    assert site.is_told() == ["opened", "created"]


def test_what_is_tried_again_does_not_wait_for_what_is_new(
    merchant: Merchant, clock: Traveller, site: Site
) -> None:
    fault_injection.set_webhooks({"reorder": True})
    merchant.create()
    clock.shift(5)
    site.answer(500, 200)
    site.is_told()
    clock.shift(298)
    merchant.create()
    clock.shift(2)

    assert site.is_told() == ["created"]


def test_signatures_can_be_wrong(merchant: Merchant, site: Site) -> None:
    fault_injection.set_webhooks({"wrong_signature": True})
    merchant.create()
    site.is_told()

    [received] = site.received
    with pytest.raises(SignatureInvalid):
        signatures.verify(
            received.body,
            received.headers["Cko-Signature"],
            keys=[Secret(key) for key in KEYS],
        )


def test_at_first_nothing_goes_wrong(db: None) -> None:
    assert fault_injection.webhook_facts(fault_injection.webhooks()) == {
        "drop": 0,
        "copies": 1,
        "delay": 0,
        "reorder": False,
        "wrong_signature": False,
        "minute": 60,
    }
    assert fault_injection.calls() == []


def test_faults_can_be_named() -> None:
    assert str(WebhookFaults(pk=1)) == "1"
    assert str(CallFault(kind="latency")) == "latency"


# -- calls


def test_too_many_requests(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "too_many_requests", "amount": 7})

    answer = merchant.call("POST", "face-authentications", json=NEW)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.headers["Cko-Request-Id"]


def test_a_server_error(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "server_error", "amount": 503})

    answer = merchant.call("POST", "face-authentications", json=NEW)

    assert (answer.status_code, answer.content) == (503, b"")


@pytest.mark.parametrize(("seconds", "timeout"), [(3, 2.5), (3, (10, 2.5))])
def test_a_late_answer_is_too_late_for_who_does_not_wait(
    merchant: Merchant, seconds: float, timeout: Any
) -> None:
    fav = merchant.create()
    fault_injection.add_call({"kind": "latency", "amount": seconds, "operation": "create_attempt"})

    with pytest.raises(requests.ReadTimeout):
        merchant.call(
            "POST",
            f"face-authentications/{fav}/attempts",
            json={"redirect_url": BACK},
            timeout=timeout,
        )

    assert merchant.read(fav)["status"] == "created"


@pytest.mark.parametrize("timeout", [None, 5, (1, 5)])
@pytest.mark.parametrize("kind", ["latency", "no_answer", "slow_body"])
def test_who_waits_long_enough_is_answered(merchant: Merchant, kind: str, timeout: Any) -> None:
    fault_injection.add_call({"kind": kind, "amount": 3})

    answer = merchant.call("POST", "face-authentications", json=NEW, timeout=timeout)

    assert answer.status_code == 201
    assert answer.json()["status"] == "created"
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("kind", ["no_answer", "slow_body"])
def test_what_was_asked_is_done_although_no_answer_comes_in_time(
    merchant: Merchant, kind: str
) -> None:
    fav = merchant.create()
    fault_injection.add_call({"kind": kind, "amount": 30, "calls": 1})

    with pytest.raises(requests.ReadTimeout):
        merchant.call(
            "POST",
            f"face-authentications/{fav}/attempts",
            json={"redirect_url": BACK},
            timeout=10,
        )

    assert merchant.read(fav)["status"] == "pending"


def test_over_http_the_server_waits(db: None, client: Client) -> None:
    waited: list[float] = []
    fault_injection.add_call({"kind": "no_answer", "amount": 12})

    answer = client.post(
        "/simulator/face-authentications",
        json.dumps(NEW),
        "application/json",
        headers={"Authorization": f"Bearer {KEY}"},
        **{fault_injection.PAUSE: waited.append},
    )

    assert answer.status_code == 201
    assert waited == [12]


def test_over_http_a_slow_body_comes_a_byte_at_a_time(db: None, client: Client) -> None:
    waited: list[float] = []
    fault_injection.add_call({"kind": "slow_body", "amount": 12})

    answer = client.post(
        "/simulator/face-authentications",
        json.dumps(NEW),
        "application/json",
        headers={"Authorization": f"Bearer {KEY}"},
        **{fault_injection.PAUSE: waited.append},
    )

    assert waited == []
    drops = list(answer)
    assert {len(drop) for drop in drops} == {1}
    assert answer["Content-Length"] == str(len(drops))
    assert json.loads(b"".join(drops))["status"] == "created"
    assert sum(waited) == pytest.approx(12)


def test_time_really_passes_unless_the_caller_brings_its_own(db: None, client: Client) -> None:
    fault_injection.add_call({"kind": "latency", "amount": 0.01})

    answer = client.post(
        "/simulator/face-authentications", headers={"Authorization": f"Bearer {KEY}"}
    )

    assert answer.status_code == 400


def test_an_empty_answer_cannot_drip(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "slow_body", "amount": 3})

    answer = merchant.call("GET", "face-authentications/fav_a", timeout=1)

    assert (answer.status_code, answer.content) == (404, b"")


def test_a_refusal_is_late_too(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "no_answer", "amount": 3})

    with pytest.raises(requests.ReadTimeout):
        merchant.call("POST", "face-authentications", json={}, timeout=1)


def test_a_fault_ends_after_its_calls(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "server_error", "amount": 500, "calls": 2})

    statuses = [
        merchant.call("POST", "face-authentications", json=NEW).status_code for _ in range(4)
    ]

    assert statuses == [500, 500, 201, 201]
    assert fault_injection.calls() == []


def test_what_is_counted_comes_before_what_has_no_end(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "server_error", "amount": 500})
    fault_injection.add_call({"kind": "server_error", "amount": 501, "calls": 1})
    fault_injection.add_call({"kind": "server_error", "amount": 502, "calls": 1})

    statuses = [
        merchant.call("POST", "face-authentications", json=NEW).status_code for _ in range(4)
    ]

    assert statuses == [501, 502, 500, 500]


CALLS: dict[str, Callable[[Merchant, str], tuple[str, str]]] = {
    "create_authentication": lambda _m, _fav: ("POST", "face-authentications"),
    "get_authentication": lambda _m, fav: ("GET", f"face-authentications/{fav}"),
    "anonymize_authentication": lambda _m, fav: ("POST", f"face-authentications/{fav}/anonymize"),
    "create_attempt": lambda _m, fav: ("POST", f"face-authentications/{fav}/attempts"),
    "list_attempts": lambda _m, fav: ("GET", f"face-authentications/{fav}/attempts"),
    "get_attempt": lambda m, fav: (
        "GET",
        f"face-authentications/{fav}/attempts/{m.attempt(fav)['id']}",
    ),
    "list_assets": lambda m, fav: (
        "GET",
        f"face-authentications/{fav}/attempts/{m.attempt(fav)['id']}/assets",
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_can_be_for_one_operation_only(merchant: Merchant, operation: str) -> None:
    fav = merchant.create()
    calls = {name: call(merchant, fav) for name, call in CALLS.items()}
    fault_injection.add_call({"kind": "server_error", "amount": 599, "operation": operation})

    failed = {name for name, call in calls.items() if merchant.call(*call).status_code == 599}

    assert failed == {operation}


def test_who_may_not_call_meets_no_fault(merchant: Merchant) -> None:
    fault_injection.add_call({"kind": "server_error", "amount": 500, "calls": 1})
    merchant.session.headers["Authorization"] = "Bearer sk_sbox_other"

    assert merchant.call("POST", "face-authentications", json=NEW).status_code == 401
    assert len(fault_injection.calls()) == 1


def test_faults_spare_the_capture_page_and_the_controls(
    merchant: Merchant, visitor: CaptureDriver
) -> None:
    link = merchant.capture_url(merchant.create())
    fault_injection.add_call({"kind": "server_error", "amount": 500})

    assert visitor.show_face(link)
    assert merchant.call("GET", "control/deliveries").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_calls_at_once_as_many_fail_as_shall() -> None:
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


def test_a_delivery_under_the_faults_of_the_moment(
    merchant: Merchant, clock: Traveller, site: Site, settings: Settings
) -> None:
    """Copies and signatures are those of the sending, not of the event."""
    merchant.create()
    fault_injection.replace({"copies": 2}, [])

    assert webhook_sender.deliver(Delivery.objects.get(), site)
    assert len(site.received) == 2
    fault_injection.clear()
    clock.shift(timedelta(days=1))
    assert site.is_told() == []
