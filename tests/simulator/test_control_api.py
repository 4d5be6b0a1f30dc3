"""The control page as an API, as the merchant's tests use it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from requests import Response
from time_machine import Traveller

from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.capture_driver import CaptureDriver
from tests.simulator.merchant import Merchant
from tests.simulator.site import Site

LEVERS = [
    ("GET", "deliveries"),
    ("POST", "deliveries/evt_a/resend"),
    ("POST", "deliver"),
    ("POST", "faults"),
    ("POST", "cases/fav_a/audit"),
    ("POST", "cases/fav_a/anonymize"),
    ("POST", "cases/fav_a/expire"),
]
FAULT = {"kind": "latency", "amount": 3, "calls": 2, "operation": "get_authentication"}


def pull(merchant: Merchant, lever: str, **body: Any) -> Response:
    return merchant.call("POST", f"control/{lever}", json=body)


@pytest.mark.parametrize(("method", "lever"), LEVERS)
def test_the_levers_are_the_merchants(merchant: Merchant, method: str, lever: str) -> None:
    merchant.session.headers["Authorization"] = "Bearer sk_sbox_other"

    assert merchant.call(method, f"control/{lever}").status_code == 401


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False)
@pytest.mark.parametrize(("method", "lever"), LEVERS)
def test_outside_debug_there_are_no_levers(merchant: Merchant, method: str, lever: str) -> None:
    assert merchant.call(method, f"control/{lever}").status_code == 404


def test_deliveries_are_told(merchant: Merchant, clock: Traveller, site: Site) -> None:
    fav = merchant.create()
    merchant.attempt(fav)
    site.answer(200, 500)
    site.is_told()

    [newest, oldest] = merchant.call("GET", "control/deliveries").json()["data"]

    assert newest == {
        "event": site.received[1].event,
        "state": "pending",
        "tries": 1,
        "next_try": "2026-03-02T12:05:00Z",
        "answer": "500",
        "answered_on": "2026-03-02T12:00:00Z",
    }
    assert (oldest["state"], oldest["next_try"]) == ("delivered", None)


def test_a_delivery_is_sent_again(merchant: Merchant, site: Site) -> None:
    merchant.create()
    site.is_told()

    answer = pull(merchant, f"deliveries/{site.received[0].event['id']}/resend")

    assert answer.status_code == 202
    assert site.is_told() == ["created"]


def test_what_waits_is_sent_now(merchant: Merchant, clock: Traveller, site: Site) -> None:
    merchant.create()
    site.answer(500, 200)
    site.is_told()

    answer = pull(merchant, "deliver")

    assert (answer.status_code, answer.json()) == (202, {"waiting": 1})
    assert site.is_told() == ["created"]


def test_faults_are_what_was_said_last(merchant: Merchant) -> None:
    pull(merchant, "faults", copies=2, reorder=True, calls=[FAULT, FAULT])
    answer = pull(merchant, "faults", drop=0.5, calls=[FAULT])

    assert (answer.status_code, answer.json()) == (200, {"drop": 0.5, "calls": [FAULT]})
    found = fault_injection.webhooks()
    assert (found.drop, found.copies, found.reorder) == (0.5, 1, False)
    [fault] = fault_injection.calls()
    assert (fault.kind, fault.amount, fault.calls) == ("latency", 3, 2)
    assert fault.operation == "get_authentication"


def test_no_faults_make_all_well(merchant: Merchant) -> None:
    pull(merchant, "faults", copies=2, calls=[{"kind": "server_error", "amount": 500}])
    assert merchant.call("GET", "face-authentications/fav_a").status_code == 500

    assert pull(merchant, "faults").status_code == 200

    assert merchant.call("GET", "face-authentications/fav_a").status_code == 404
    assert fault_injection.webhooks().copies == 1


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"drop": 2, "copies": []}, ["copies_invalid", "drop_invalid"]),
        ({"dorp": 1}, ["dorp_unknown"]),
        ({"calls": {}}, ["calls_invalid"]),
        ({"calls": [7]}, ["calls_invalid"]),
        ({"calls": [{"kind": "latency"}]}, ["amount_invalid"]),
        ({"calls": [{**FAULT, "for": 3}]}, ["for_unknown"]),
    ],
)
def test_faults_that_cannot_be_are_refused(
    merchant: Merchant, body: dict[str, Any], codes: list[str]
) -> None:
    pull(merchant, "faults", copies=3)

    answer = pull(merchant, "faults", **body)

    assert answer.status_code == 422
    assert answer.json()["error_codes"] == codes
    assert fault_injection.webhooks().copies == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"status": "declined"}, "declined", 62321),
        ({"status": "declined", "code": 62405}, "declined", 62405),
        ({"status": "approved"}, "approved", 10000),
    ],
)
def test_a_result_is_audited(
    merchant: Merchant,
    visitor: CaptureDriver,
    clock: Traveller,
    body: dict[str, Any],
    status: str,
    code: int,
) -> None:
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))
    clock.shift(2)

    answer = pull(merchant, f"cases/{fav}/audit", **body)

    assert answer.json() == {"id": fav, "status": status, "code": code}
    assert merchant.read(fav)["status"] == status


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, ["status_invalid"]),
        ({"status": "pending"}, ["status_invalid"]),
        ({"status": "declined", "code": 10000}, ["code_invalid"]),
    ],
)
def test_an_audit_that_cannot_be_is_refused(
    merchant: Merchant, body: dict[str, Any], codes: list[str]
) -> None:
    answer = pull(merchant, f"cases/{merchant.create()}/audit", **body)

    assert (answer.status_code, answer.json()["error_codes"]) == (422, codes)


def test_a_case_is_anonymized(merchant: Merchant, site: Site) -> None:
    fav = merchant.create()
    site.is_told()

    assert pull(merchant, f"cases/{fav}/anonymize").json()["status"] == "inconclusive"
    assert site.is_told() == ["closed", "anonymized"]


def test_a_link_is_made_to_expire(merchant: Merchant) -> None:
    fav = merchant.create()
    link = merchant.attempt(fav)

    assert pull(merchant, f"cases/{fav}/expire").json()["code"] == 61101
    assert merchant.read_attempt(fav, link["id"])["status"] == "expired"


def test_what_is_not_possible_is_a_conflict(merchant: Merchant) -> None:
    answer = pull(merchant, f"cases/{merchant.create()}/expire")

    assert answer.status_code == 409


@pytest.mark.parametrize("lever", ["cases/fav_a/expire", "deliveries/evt_a/resend"])
def test_what_does_not_exist_is_404(merchant: Merchant, lever: str) -> None:
    assert pull(merchant, lever).status_code == 404
