"""The control page, as a browser uses it."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django.fixtures import Settings
from time_machine import Traveller

from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.capture_driver import CaptureDriver
from django_faceauth.simulator.models import Delivery
from tests.simulator.merchant import Merchant
from tests.simulator.site import URL, Site

PAGE = "/simulator/"
WELL = {"drop": "0", "copies": "1", "delay": "0", "minute": "60"}
FAULT = {
    "do": "call",
    "kind": "server_error",
    "amount": "503",
    "calls": "2",
    "operation": "get_attempt",
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(merchant: Merchant, visitor: CaptureDriver, clock: Traveller) -> str:
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))
    clock.shift(2)
    return fav


def html_of(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_the_page_has_a_name() -> None:
    assert reverse("faceauth_simulator:control") == PAGE


def test_the_page_tells_that_nothing_is_sent(client: Client) -> None:
    assert "FACEAUTH_SIMULATOR_WEBHOOK_URL" in html_of(client)


def test_the_page_tells_where_webhooks_go(client: Client, site: Site) -> None:
    html = html_of(client)

    assert URL in html
    assert "FACEAUTH_WEBHOOK_SECRET_KEYS" not in html


def test_the_page_tells_that_webhooks_are_not_signed(
    client: Client, site: Site, settings: Settings
) -> None:
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = []

    assert "FACEAUTH_WEBHOOK_SECRET_KEYS" in html_of(client)


def test_the_page_lists_the_last_fifty_webhooks_newest_first(
    client: Client, merchant: Merchant, clock: Traveller, site: Site, settings: Settings
) -> None:
    settings.TIME_ZONE = "UTC"
    for _ in range(51):
        merchant.create()
    last = merchant.create()
    site.answer(503)
    site.is_told()

    html = html_of(client)

    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)[1:]
    assert len(rows) == 50
    assert last in rows[0]
    for fact in ("12:00:00", "face_authentication_created", "503", "12:05:00"):
        assert fact in rows[0]


def test_the_page_keeps_no_secret(
    client: Client, merchant: Merchant, site: Site, settings: Settings
) -> None:
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = "Basic of-the-webhook"
    merchant.capture_url(merchant.create())
    site.is_told()

    html = html_of(client)

    for secret in (*settings.FACEAUTH_WEBHOOK_SECRET_KEYS, "of-the-webhook", "/capture/"):
        assert secret not in html


def test_the_page_protects_itself(client: Client) -> None:
    response = client.get(PAGE)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self'")
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "same-origin"  # or browsers' forms are refused


def test_the_page_has_no_inline_script_or_style(
    client: Client, merchant: Merchant, site: Site
) -> None:
    merchant.create()
    html = html_of(client)

    assert not re.search(r"<style|style=|\son\w+=", html)
    assert html.count("<script") == html.count("<script src=") == 1


def test_every_field_has_a_label(client: Client) -> None:
    html = html_of(client)

    fields = re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', html)
    assert len(fields) >= 12
    assert set(fields) <= set(re.findall(r'<label[^>]* for="([^"]+)"', html))


def test_the_page_reads_from_right_to_left_where_the_language_does(client: Client) -> None:
    with translation.override("ar"):
        assert '<html lang="ar" dir="rtl">' in html_of(client)


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False)
def test_outside_debug_there_is_no_page(client: Client) -> None:
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"do": "heal"}).status_code == 404


STRICT = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]


@pytest.mark.parametrize("middleware", [STRICT, []], ids=["strict", "bare"])
def test_forms_are_the_pages_own_whatever_the_site_does(
    middleware: list[str], settings: Settings
) -> None:
    settings.MIDDLEWARE = middleware
    stranger = Client(enforce_csrf_checks=True)
    html = html_of(stranger)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert token

    assert stranger.post(PAGE, FAULT).status_code == 403
    assert not fault_injection.calls()
    signed = {**FAULT, "csrfmiddlewaretoken": token[1]}
    assert stranger.post(PAGE, signed).status_code == 302
    assert fault_injection.calls()


def test_other_methods_are_refused(client: Client) -> None:
    assert client.put(PAGE).status_code == 405


def test_a_button_that_does_not_exist_does_nothing(client: Client) -> None:
    assert client.post(PAGE, {"do": "everything"}).status_code == 200


def test_webhooks_are_made_to_go_wrong(client: Client) -> None:
    facts = {
        "drop": "0.25",
        "copies": "2",
        "delay": "1.5",
        "minute": "0.1",
        "reorder": "on",
        "wrong_signature": "on",
    }

    response = client.post(PAGE, {"do": "webhooks", **facts})

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


@pytest.mark.parametrize(
    "wrong",
    [
        {"drop": "1.1"},
        {"drop": "nan"},
        {"copies": "0"},
        {"copies": "6"},
        {"delay": "-1"},
        {"minute": "0"},
        {"minute": ""},
    ],
)
def test_webhooks_cannot_go_wrong_beyond_measure(client: Client, wrong: dict[str, str]) -> None:
    response = client.post(PAGE, {"do": "webhooks", **WELL, **wrong})

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert fault_injection.webhooks().pk is None


def test_calls_are_made_to_go_wrong_and_well_again(client: Client) -> None:
    client.post(PAGE, FAULT)
    client.post(PAGE, {**FAULT, "calls": "", "operation": ""})
    client.post(PAGE, {"do": "webhooks", **WELL, "drop": "1"})

    assert [fault.calls for fault in fault_injection.calls()] == [2, None]

    client.post(PAGE, {"do": "heal"})
    assert fault_injection.calls() == []
    assert fault_injection.webhooks().drop == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "flood"},
        {"kind": ""},
        {"amount": ""},
        {"amount": "200"},
        {"amount": "600"},
        {"kind": "latency", "amount": "61"},
        {"kind": "no_answer", "amount": "-1"},
        {"calls": "0"},
        {"operation": "everything"},
    ],
)
def test_calls_cannot_go_wrong_beyond_measure(client: Client, wrong: dict[str, str]) -> None:
    assert client.post(PAGE, {**FAULT, **wrong}).status_code == 422
    assert fault_injection.calls() == []


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        ({"action": "declined"}, "declined", 62321),
        ({"action": "declined", "code": "62403"}, "declined", 62403),
        ({"action": "approved"}, "approved", 10000),
        ({"action": "anonymize"}, "approved", 10000),
    ],
)
def test_the_provider_changes_its_mind(
    client: Client,
    merchant: Merchant,
    approved: str,
    facts: dict[str, str],
    status: str,
    code: int,
) -> None:
    assert client.post(PAGE, {"do": "case", "case": approved, **facts}).status_code == 302

    told = merchant.read(approved)
    assert (told["status"], told["response_codes"][0]["code"]) == (status, code)
    assert ("face" in told) == (facts["action"] != "anonymize")


def test_an_audit_is_told_to_the_merchant(
    client: Client, merchant: Merchant, visitor: CaptureDriver, clock: Traveller, site: Site
) -> None:
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))
    clock.shift(2)
    site.is_told()

    client.post(PAGE, {"do": "case", "case": fav, "action": "declined"})

    assert site.is_told() == ["audit_completed"]
    assert site.received[-1].event["data"]["status"] == "declined"


def test_a_link_is_made_to_expire(client: Client, merchant: Merchant) -> None:
    fav = merchant.create()
    merchant.attempt(fav)

    client.post(PAGE, {"do": "case", "case": fav, "action": "expire"})

    assert merchant.read(fav)["status"] == "retry_required"


@pytest.mark.parametrize("action", ["approved", "expire"])
def test_what_cannot_be_done_is_said(client: Client, merchant: Merchant, action: str) -> None:
    response = client.post(PAGE, {"do": "case", "case": merchant.create(), "action": action})

    assert response.status_code == 422


@pytest.mark.parametrize(
    "facts",
    [
        {"do": "case", "case": "fav_a", "action": "anonymize"},
        {"do": "resend", "event": "evt_a"},
    ],
)
def test_what_does_not_exist_is_said(client: Client, facts: dict[str, str]) -> None:
    response = client.post(PAGE, facts)

    assert response.status_code == 422


def test_a_webhook_is_sent_again(client: Client, merchant: Merchant, site: Site) -> None:
    merchant.create()
    site.is_told()
    event_id = json.loads(site.received[0].body)["id"]
    assert f'name="event" value="{event_id}"' in html_of(client)

    client.post(PAGE, {"do": "resend", "event": event_id})

    assert site.is_told() == ["created"]
    assert len({one.body for one in site.received}) == 1


def test_what_waits_is_sent_now(
    client: Client, merchant: Merchant, clock: Traveller, site: Site
) -> None:
    merchant.create()
    site.answer(500, 200)
    site.is_told()

    client.post(PAGE, {"do": "deliver"})

    assert Delivery.objects.get().next_try == timezone.now()
    assert site.is_told() == ["created"]
