"""The control page, as a browser uses it, and the control API."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.models import Delivery
from tests.simulator.merchant import STRICT_MIDDLEWARE

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
pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(merchant, visitor, clock):
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))
    clock.shift(2)
    return fav


def html_of(client, query=""):
    return client.get(PAGE + query).content.decode()


def rows_of(html, title):
    table = html.partition(f'aria-labelledby="{title}"')[2].partition("</table>")[0]
    return re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]


def call(merchant, endpoint, **body):
    return merchant.call("POST", f"control/{endpoint}", json=body)


def test_the_page_lists_the_last_fifty_cases_and_webhooks_newest_first(
    client, merchant, clock, site, settings
):
    settings.TIME_ZONE = "UTC"
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = "Basic of-the-webhook"
    for _ in range(50):
        merchant.create()
    clock.shift(1)
    last = merchant.create()
    merchant.capture_url(last)
    site.answer(*[200] * 51, 503)
    site.is_told()

    html = html_of(client)

    cases, deliveries = rows_of(html, "cases-title"), rows_of(html, "deliveries-title")
    assert len(cases) == len(deliveries) == 50
    assert last in cases[0]
    assert "pending" in cases[0]
    for fact in (last, "12:00:01", "face_authentication_opened", "503", "12:05:01"):
        assert fact in deliveries[0]
    for row in (cases[0], deliveries[0]):
        assert f'href="?case={last}#change"' in row
    for secret in (*settings.FACEAUTH_WEBHOOK_SECRET_KEYS, "of-the-webhook", "/capture/"):
        assert secret not in html
    assert f'name="case" value="{last}"' in html_of(client, f"?case={last}")

    [newest, older, *_] = merchant.call("GET", "control/deliveries").json()["data"]
    assert newest == {
        "event": site.received[-1].event,
        "state": "pending",
        "tries": 1,
        "next_try": "2026-03-02T12:05:01Z",
        "answer": "503",
        "answered_on": "2026-03-02T12:00:01Z",
    }
    assert (older["state"], older["next_try"]) == ("delivered", None)


@pytest.mark.parametrize("middleware", [STRICT_MIDDLEWARE, []], ids=["strict", "bare"])
def test_forms_are_protected_whatever_middleware_the_site_has(middleware, settings):
    settings.MIDDLEWARE = middleware
    stranger = Client(enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html_of(stranger))
    assert token

    assert stranger.post(PAGE, FAULT).status_code == 403
    assert not fault_injection.calls()
    signed = {**FAULT, "csrfmiddlewaretoken": token[1]}
    assert stranger.post(PAGE, signed).status_code == 302
    assert fault_injection.calls()


def test_the_page_sets_and_removes_faults(client):
    assert client.put(PAGE).status_code == 405
    assert client.post(PAGE, {"do": "everything"}).status_code == 200
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
    assert fault_injection.webhook_facts(fault_injection.webhooks()) == {
        **{"drop": 0, "copies": 1, "delay": 0, "minute": 60},
        **{"reorder": False, "wrong_signature": False},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        *({"drop": "1.1"}, {"drop": "nan"}, {"copies": "0"}, {"copies": "6"}),
        *({"delay": "-1"}, {"minute": "0"}, {"minute": ""}),
        *({"kind": "flood"}, {"kind": ""}, {"amount": ""}, {"amount": "200"}),
        *({"amount": "600"}, {"kind": "latency", "amount": "61"}, {"calls": "0"}),
        *({"kind": "no_answer", "amount": "-1"}, {"operation": "everything"}),
    ],
)
def test_faults_out_of_range_are_rejected(client, wrong):
    command = {"do": "webhooks", **NO_FAULTS} if wrong.keys() <= NO_FAULTS.keys() else FAULT

    response = client.post(PAGE, {**command, **wrong})

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert fault_injection.webhooks().pk is None
    assert fault_injection.calls() == []


@pytest.mark.parametrize(
    ("endpoint", "body", "codes"),
    [
        ("faults", {"drop": 2, "copies": []}, ["copies_invalid", "drop_invalid"]),
        ("faults", {"dorp": 1}, ["dorp_unknown"]),
        ("faults", {"calls": {}}, ["calls_invalid"]),
        ("faults", {"calls": [7]}, ["calls_invalid"]),
        ("faults", {"calls": [{"kind": "latency"}]}, ["amount_invalid"]),
        ("faults", {"calls": [{**LATENCY, "for": 3}]}, ["for_unknown"]),
        ("cases/fav_a/audit", {}, ["status_invalid"]),
        ("cases/fav_a/audit", {"status": "pending"}, ["status_invalid"]),
        ("cases/fav_a/audit", {"status": "expire"}, ["status_invalid"]),
        ("cases/fav_a/audit", {"status": "declined", "code": 10000}, ["code_invalid"]),
    ],
)
def test_the_api_rejects_an_invalid_body_as_a_whole(merchant, endpoint, body, codes):
    call(merchant, "faults", copies=3)

    answer = call(merchant, endpoint, **body)

    assert answer.status_code == 422
    assert answer.json()["error_codes"] == codes
    assert fault_injection.webhooks().copies == 3


#: The statuses of responses to a change that was made, and to one that is not allowed.
DONE = {"page": 302, "API": 200}
REJECTED = {"page": 422, "API": 409}


def change(client, merchant, door, fav, action, **code):
    """Change a case, and return the response."""
    if door == "page":
        return client.post(PAGE, {"do": "case", "case": fav, "action": action, **code})
    if action in {"anonymize", "expire"}:
        return call(merchant, f"cases/{fav}/{action}")
    return call(merchant, f"cases/{fav}/audit", status=action, **code)


@pytest.mark.parametrize(
    ("action", "code", "status", "shown_code"),
    [
        ("declined", {}, "declined", 62321),
        ("declined", {"code": "62403"}, "declined", 62403),
        ("approved", {}, "approved", 10000),
        ("anonymize", {}, "approved", 10000),
    ],
)
@pytest.mark.parametrize("door", ["page", "API"])
def test_the_provider_changes_a_case(
    client, merchant, approved, clock, site, action, code, status, shown_code, door
):
    clock.shift(60)

    response = change(client, merchant, door, approved, action, **code)

    assert response.status_code == DONE[door]
    if door == "API":
        assert response.json() == {"id": approved, "status": status, "code": shown_code}
    shown = merchant.read(approved)
    assert (shown["status"], shown["response_codes"][0]["code"]) == (status, shown_code)
    assert shown["modified_on"] == "2026-03-02T12:01:02.000000Z"
    assert ("face" in shown) == (action != "anonymize")
    [attempt] = merchant.attempts(approved)["data"]
    assert attempt["response_codes"] == shown["response_codes"]
    assert site.is_told()[-1] == ("anonymized" if action == "anonymize" else "audit_completed")
    assert site.received[-1].event["data"]["status"] == status
    if action == "anonymize":
        again = change(client, merchant, door, approved, "declined")
        assert again.status_code == REJECTED[door]


@pytest.mark.parametrize("door", ["page", "API"])
def test_an_open_link_expires_and_is_no_result_to_audit(client, merchant, visitor, clock, door):
    def status_of(fav, action):
        return change(client, merchant, door, fav, action).status_code

    fav = merchant.create()
    link = merchant.attempt(fav)
    assert status_of(fav, "approved") == REJECTED[door]
    clock.shift(60)

    response = change(client, merchant, door, fav, "expire")

    assert response.status_code == DONE[door]
    assert door == "page" or response.json()["code"] == 61101
    expired = merchant.read_attempt(fav, link["id"])
    assert expired["status"] == "expired"
    assert expired["modified_on"] == "2026-03-02T12:01:00.000000Z"
    assert status_of(fav, "expire") == REJECTED[door]
    visitor.show_face(merchant.capture_url(fav))
    for action in ("expire", "approved", "anonymize"):
        assert status_of(fav, action) == REJECTED[door]
    closed = merchant.create("aplt_64001")
    visitor.show_face(merchant.capture_url(closed))
    clock.shift(2)
    assert status_of(closed, "approved") == REJECTED[door]


def test_the_reason_of_a_rejected_change_is_told(client, merchant):
    fav = merchant.create()
    for command, reason in (
        ({"do": "case", "case": fav, "action": "expire"}, "Not possible"),
        ({"do": "case", "case": "fav_a", "action": "anonymize"}, "Not found"),
        ({"do": "resend", "event": "evt_a"}, "Not found"),
    ):
        response = client.post(PAGE, command)
        assert response.status_code == 422
        assert reason in response.content.decode()

    answer = call(merchant, f"cases/{fav}/expire")
    assert answer.json()["error_codes"] == ["face_authentication_status_invalid"]
    for endpoint in ("cases/fav_a/expire", "deliveries/evt_a/resend"):
        assert call(merchant, endpoint).status_code == 404
    assert call(merchant, f"cases/{merchant.create()}/anonymize").json()["code"] == 64001


@pytest.mark.parametrize("door", ["page", "API"])
def test_webhooks_are_sent_again_and_at_once(client, merchant, clock, site, door):
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
