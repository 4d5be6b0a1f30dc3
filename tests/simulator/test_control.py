"""The control page, as a browser uses it, and the control API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django.fixtures import Settings
from requests import Response
from time_machine import Traveller

from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.capture_driver import CaptureDriver
from django_faceauth.simulator.models import Delivery
from tests.simulator.merchant import Merchant
from tests.simulator.site import URL, Site

PAGE = "/simulator/"
NO_FAULTS = {"drop": "0", "copies": "1", "delay": "0", "minute": "60"}
FAULT = {
    "do": "call",
    "kind": "server_error",
    "amount": "503",
    "calls": "2",
    "operation": "get_attempt",
}
LATENCY = {"kind": "latency", "amount": 3, "calls": 2, "operation": "get_authentication"}
ENDPOINTS = [
    ("GET", "deliveries"),
    ("POST", "deliveries/evt_a/resend"),
    ("POST", "deliver"),
    ("POST", "faults"),
    ("POST", "cases/fav_a/audit"),
    ("POST", "cases/fav_a/anonymize"),
    ("POST", "cases/fav_a/expire"),
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(merchant: Merchant, visitor: CaptureDriver, clock: Traveller) -> str:
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))
    clock.shift(2)
    return fav


def html_of(client: Client, query: str = "") -> str:
    return client.get(PAGE + query).content.decode()


def rows_of(html: str, title: str) -> list[str]:
    table = html.partition(f'aria-labelledby="{title}"')[2].partition("</table>")[0]
    return re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]


def call(merchant: Merchant, endpoint: str, **body: Any) -> Response:
    return merchant.call("POST", f"control/{endpoint}", json=body)


def test_the_page_says_where_webhooks_go(client: Client, site: Site, settings: Settings) -> None:
    assert reverse("faceauth_simulator:control") == PAGE
    html = html_of(client)
    assert URL in html
    assert "FACEAUTH_WEBHOOK_SECRET_KEYS" not in html

    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = []
    assert "FACEAUTH_WEBHOOK_SECRET_KEYS" in html_of(client)

    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = ""
    assert "FACEAUTH_SIMULATOR_WEBHOOK_URL" in html_of(client)


def test_the_page_lists_the_last_fifty_cases_and_webhooks_newest_first(
    client: Client, merchant: Merchant, clock: Traveller, site: Site, settings: Settings
) -> None:
    settings.TIME_ZONE = "UTC"
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = "Basic of-the-webhook"
    for _ in range(50):
        merchant.create()
    clock.shift(1)
    last = merchant.create()
    merchant.capture_url(last)
    site.answer(503)
    site.is_told()

    html = html_of(client)

    cases, deliveries = rows_of(html, "cases-title"), rows_of(html, "deliveries-title")
    assert len(cases) == len(deliveries) == 50
    assert last in cases[0]
    assert "pending" in cases[0]
    for fact in (last, "12:00:01", "face_authentication_opened", "503", "12:05:01"):
        assert fact in deliveries[0]
    for secret in (*settings.FACEAUTH_WEBHOOK_SECRET_KEYS, "of-the-webhook", "/capture/"):
        assert secret not in html


def test_use_fills_in_the_form(client: Client, merchant: Merchant, site: Site) -> None:
    fav = merchant.create()
    html = html_of(client)

    for title in ("cases-title", "deliveries-title"):
        [row] = rows_of(html, title)
        assert f'href="?case={fav}#change"' in row
    assert f'name="case" value="{fav}"' in html_of(client, f"?case={fav}")


def test_the_page_protects_itself_and_is_accessible(
    client: Client, merchant: Merchant, site: Site
) -> None:
    merchant.create()

    response = client.get(PAGE)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self'")
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "same-origin"  # or browsers' forms are rejected
    html = response.content.decode()
    assert not re.search(r"<style|style=|\son\w+=", html)
    assert html.count("<script") == html.count("<script src=") == 1
    fields = re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', html)
    assert len(fields) >= 12
    assert set(fields) <= set(re.findall(r'<label[^>]* for="([^"]+)"', html))
    with translation.override("ar"):
        assert '<html lang="ar" dir="rtl">' in html_of(client)


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False)
def test_outside_debug_there_is_neither_page_nor_api(client: Client, merchant: Merchant) -> None:
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"do": "heal"}).status_code == 404
    for method, endpoint in ENDPOINTS:
        assert merchant.call(method, f"control/{endpoint}").status_code == 404


@pytest.mark.parametrize(("method", "endpoint"), ENDPOINTS)
def test_the_api_needs_the_credentials_of_the_site(
    merchant: Merchant, method: str, endpoint: str
) -> None:
    merchant.session.headers["Authorization"] = "Bearer sk_sbox_other"

    assert merchant.call(method, f"control/{endpoint}").status_code == 401


STRICT = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]


@pytest.mark.parametrize("middleware", [STRICT, []], ids=["strict", "bare"])
def test_forms_are_protected_whatever_middleware_the_site_has(
    middleware: list[str], settings: Settings
) -> None:
    settings.MIDDLEWARE = middleware
    stranger = Client(enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html_of(stranger))
    assert token

    assert stranger.post(PAGE, FAULT).status_code == 403
    assert not fault_injection.calls()
    signed = {**FAULT, "csrfmiddlewaretoken": token[1]}
    assert stranger.post(PAGE, signed).status_code == 302
    assert fault_injection.calls()


def test_unknown_methods_and_commands_do_nothing(client: Client) -> None:
    assert client.put(PAGE).status_code == 405
    assert client.post(PAGE, {"do": "everything"}).status_code == 200


def test_the_page_sets_and_removes_faults(client: Client) -> None:
    facts = {"drop": "0.25", "copies": "2", "delay": "1.5", "minute": "0.1"}
    switches = {"reorder": "on", "wrong_signature": "on"}

    response = client.post(PAGE, {"do": "webhooks", **facts, **switches})

    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert fault_injection.webhook_facts(fault_injection.webhooks()) == {
        "drop": 0.25,
        "copies": 2,
        "delay": 1.5,
        "minute": 0.1,
        "reorder": True,
        "wrong_signature": True,
    }
    assert 'name="copies" value="2"' in html_of(client)

    client.post(PAGE, FAULT)
    client.post(PAGE, {**FAULT, "calls": "", "operation": ""})
    assert [fault.calls for fault in fault_injection.calls()] == [2, None]
    assert "(2 calls)" in html_of(client)

    client.post(PAGE, {"do": "heal"})
    assert fault_injection.calls() == []
    assert fault_injection.webhooks().drop == 0


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        *(
            ({"do": "webhooks", **NO_FAULTS}, wrong)
            for wrong in (
                *({"drop": "1.1"}, {"drop": "nan"}, {"copies": "0"}, {"copies": "6"}),
                *({"delay": "-1"}, {"minute": "0"}, {"minute": ""}),
            )
        ),
        *(
            (FAULT, wrong)
            for wrong in (
                *({"kind": "flood"}, {"kind": ""}, {"amount": ""}, {"amount": "200"}),
                *({"amount": "600"}, {"kind": "latency", "amount": "61"}, {"calls": "0"}),
                *({"kind": "no_answer", "amount": "-1"}, {"operation": "everything"}),
            )
        ),
    ],
)
def test_faults_out_of_range_are_rejected(
    client: Client, command: dict[str, str], wrong: dict[str, str]
) -> None:
    response = client.post(PAGE, {**command, **wrong})

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert fault_injection.webhooks().pk is None
    assert fault_injection.calls() == []


def test_the_api_replaces_all_faults(merchant: Merchant) -> None:
    call(merchant, "faults", copies=2, reorder=True, calls=[LATENCY, LATENCY])
    answer = call(merchant, "faults", drop=0.5, calls=[LATENCY])

    assert (answer.status_code, answer.json()) == (200, {"drop": 0.5, "calls": [LATENCY]})
    webhooks = fault_injection.webhooks()
    assert (webhooks.drop, webhooks.copies, webhooks.reorder) == (0.5, 1, False)
    [fault] = fault_injection.calls()
    assert (fault.kind, fault.amount, fault.calls) == ("latency", 3, 2)
    assert fault.operation == "get_authentication"

    assert call(merchant, "faults").status_code == 200
    assert fault_injection.calls() == []
    assert fault_injection.webhooks().drop == 0


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"drop": 2, "copies": []}, ["copies_invalid", "drop_invalid"]),
        ({"dorp": 1}, ["dorp_unknown"]),
        ({"calls": {}}, ["calls_invalid"]),
        ({"calls": [7]}, ["calls_invalid"]),
        ({"calls": [{"kind": "latency"}]}, ["amount_invalid"]),
        ({"calls": [{**LATENCY, "for": 3}]}, ["for_unknown"]),
    ],
)
def test_the_api_rejects_invalid_faults_as_a_whole(
    merchant: Merchant, body: dict[str, Any], codes: list[str]
) -> None:
    call(merchant, "faults", copies=3)

    answer = call(merchant, "faults", **body)

    assert answer.status_code == 422
    assert answer.json()["error_codes"] == codes
    assert fault_injection.webhooks().copies == 3


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        ({"action": "declined"}, "declined", 62321),
        ({"action": "declined", "code": "62403"}, "declined", 62403),
        ({"action": "approved"}, "approved", 10000),
        ({"action": "anonymize"}, "approved", 10000),
    ],
)
@pytest.mark.parametrize("door", ["page", "API"])
def test_the_provider_changes_a_case(
    client: Client,
    merchant: Merchant,
    approved: str,
    site: Site,
    facts: dict[str, str],
    status: str,
    code: int,
    door: str,
) -> None:
    if door == "page":
        answer = client.post(PAGE, {"do": "case", "case": approved, **facts})
        assert answer.status_code == 302
    else:
        action = facts["action"]
        body = {} if action == "anonymize" else {**facts, "status": action}
        body.pop("action", None)
        path = action if action == "anonymize" else "audit"
        response = call(merchant, f"cases/{approved}/{path}", **body)
        assert response.json() == {"id": approved, "status": status, "code": code}

    shown = merchant.read(approved)
    assert (shown["status"], shown["response_codes"][0]["code"]) == (status, code)
    assert ("face" in shown) == (facts["action"] != "anonymize")
    event = "anonymized" if facts["action"] == "anonymize" else "audit_completed"
    assert site.is_told()[-1] == event
    assert site.received[-1].event["data"]["status"] == status


@pytest.mark.parametrize("door", ["page", "API"])
def test_an_open_link_expires(client: Client, merchant: Merchant, door: str) -> None:
    fav = merchant.create()
    link = merchant.attempt(fav)

    if door == "page":
        client.post(PAGE, {"do": "case", "case": fav, "action": "expire"})
    else:
        assert call(merchant, f"cases/{fav}/expire").json()["code"] == 61101

    assert merchant.read_attempt(fav, link["id"])["status"] == "expired"


def test_impossible_and_unknown_changes_are_rejected(client: Client, merchant: Merchant) -> None:
    fav = merchant.create()
    for action in ("approved", "expire"):
        response = client.post(PAGE, {"do": "case", "case": fav, "action": action})
        assert response.status_code == 422
        assert "Not possible" in response.content.decode()
    for facts in (
        {"do": "case", "case": "fav_a", "action": "anonymize"},
        {"do": "resend", "event": "evt_a"},
    ):
        response = client.post(PAGE, facts)
        assert response.status_code == 422
        assert "Not found" in response.content.decode()

    assert call(merchant, f"cases/{fav}/expire").status_code == 409
    for endpoint in ("cases/fav_a/expire", "deliveries/evt_a/resend"):
        assert call(merchant, endpoint).status_code == 404


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, ["status_invalid"]),
        ({"status": "pending"}, ["status_invalid"]),
        ({"status": "expire"}, ["status_invalid"]),
        ({"status": "declined", "code": 10000}, ["code_invalid"]),
    ],
)
def test_the_api_rejects_an_invalid_audit(
    merchant: Merchant, body: dict[str, Any], codes: list[str]
) -> None:
    answer = call(merchant, f"cases/{merchant.create()}/audit", **body)

    assert (answer.status_code, answer.json()["error_codes"]) == (422, codes)


@pytest.mark.parametrize("door", ["page", "API"])
def test_webhooks_are_sent_again_and_at_once(
    client: Client, merchant: Merchant, clock: Traveller, site: Site, door: str
) -> None:
    merchant.create()
    site.answer(500, 200)
    site.is_told()
    event_id = site.received[0].event["id"]

    if door == "page":
        client.post(PAGE, {"do": "deliver"})
    else:
        answer = call(merchant, "deliver")
        assert (answer.status_code, answer.json()) == (202, {"waiting": 1})
    assert Delivery.objects.get().next_try == timezone.now()
    assert site.is_told() == ["created"]

    if door == "page":
        assert f'name="event" value="{event_id}"' in html_of(client)
        client.post(PAGE, {"do": "resend", "event": event_id})
    else:
        assert call(merchant, f"deliveries/{event_id}/resend").status_code == 202
    assert site.is_told() == ["created"]
    assert len({received.body for received in site.received}) == 1


def test_the_api_lists_deliveries(merchant: Merchant, clock: Traveller, site: Site) -> None:
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
