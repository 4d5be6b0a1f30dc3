"""The hosted pages."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import translation
from requests import HTTPError

from tests.simulator.merchant import APPLICANT, BACK, STRICT_MIDDLEWARE, Merchant, session


@pytest.fixture
def merchant(db):
    """Calls the simulator where the site has it, so that a test client can follow the links."""
    return Merchant("https://testserver/simulator", session(root="/simulator"))


@pytest.fixture
def fav(merchant):
    return merchant.create()


@pytest.fixture
def link(merchant, fav):
    return urlsplit(merchant.capture_url(fav)).path


@pytest.mark.parametrize("page", ["capture", "control"])
def test_pages_protect_themselves(client, link, page):
    path = link if page == "capture" else "/simulator/"
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    # The form of the capture page leads to another site. With "no-referrer", browsers' forms
    # of the control page are rejected.
    assert policy.endswith("form-action 'self'") == ("form-action" in policy) == (page == "control")
    assert response["Referrer-Policy"] == ("same-origin" if page == "control" else "no-referrer")
    assert response["Cache-Control"] == "no-store"
    html = response.content.decode()
    assert not re.search(r"<style|style=|\son\w+=", html)
    assert html.count("<script") == html.count("<script src=") == 1
    with translation.override("ar"):
        assert '<html lang="ar" dir="rtl">' in client.get(path).content.decode()


def test_the_device_can_pretend_to_be_in_another_network(client, merchant, fav, link):
    assert 'name="elsewhere"' in client.get(link).content.decode()

    client.post(link, {"outcome": "same_person", "elsewhere": "on"})

    [shown] = merchant.attempts(fav)["data"]
    assert shown["applicant_session_information"]["ip_address"] == "198.51.100.1"
    assert merchant.read(fav)["status"] in {"checks_in_progress", "approved"}


@pytest.mark.parametrize(
    ("choice", "status", "code"),
    [
        ("same_person", "approved", 10000),
        ("someone_else", "declined", 62321),
        ("no_camera", "retry_required", 61203),
        ("leave", "retry_required", 61121),
        ("refuse", "refused", 63001),
    ],
)
def test_the_browser_returns_without_a_result_or_with_the_code_of_a_failed_capture(
    client, merchant, clock, choice, status, code
):
    fav = merchant.create()
    link = urlsplit(merchant.capture_url(fav)).path
    client.get(link)

    response = client.post(link, {"outcome": choice})

    has_face = status in {"approved", "declined"}
    back = f"{BACK}&id={fav}&event=face_authentication_capture_completed"
    assert response.status_code == 302
    assert response["Location"] == (back if has_face else f"{back}&response_code={code}")
    clock.shift(2)
    shown = merchant.read(fav)
    assert (shown["status"], shown["response_codes"][0]["code"]) == (status, code)
    assert ("face" in shown) == has_face
    [attempt] = merchant.attempts(fav)["data"]
    assert len(merchant.assets(fav, attempt["id"])["data"]) == has_face


@pytest.mark.parametrize("applicant", [APPLICANT, "aplt_10000"])
def test_a_link_works_once(client, merchant, visitor, applicant):
    fav = merchant.create(applicant)
    url = merchant.capture_url(fav)
    link = urlsplit(url).path
    client.get(link)
    for outcome in ({"outcome": "approved"}, {}):
        assert client.post(link, outcome).status_code == 400
        assert merchant.read(fav)["status"] == "capture_in_progress"
    client.post(link, {"outcome": "same_person"})

    for response in (client.get(link), client.post(link, {"outcome": "same_person"})):
        assert response.status_code == 410
        assert response["Cache-Control"] == "no-store"
    with pytest.raises(HTTPError, match="410"):
        visitor.show_face(url)


def test_links_end_with_a_newer_attempt_and_with_time(client, merchant, fav, clock):
    first = urlsplit(merchant.capture_url(fav)).path
    second = urlsplit(merchant.capture_url(fav)).path
    assert client.get(first).status_code == 410
    clock.shift(15 * 60)

    assert client.get(second).status_code == 410
    assert merchant.read(fav)["status"] == "retry_required"
    assert client.get(second.replace("/capture/", "/capture/x")).status_code == 404
    assert client.post("/simulator/capture/token/", {"outcome": "refuse"}).status_code == 404


@override_settings(MIDDLEWARE=STRICT_MIDDLEWARE)
def test_the_page_needs_no_login_or_csrf_token_of_the_site(link):
    stranger = Client(enforce_csrf_checks=True)

    assert stranger.get(link).status_code == 200
    assert stranger.post(link, {"outcome": "same_person"}).status_code == 302


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_one_of_several_concurrent_choices_wins():
    merchant = Merchant()
    link = urlsplit(merchant.capture_url(merchant.create())).path

    def press(choice):
        try:
            return Client().post(f"/simulator{link}", {"outcome": choice}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as users:
        statuses = sorted(users.map(press, ["same_person", "leave", "refuse", "someone_else"]))

    assert statuses == [302, 410, 410, 410]


def test_the_address_is_the_one_that_the_site_sees(client, merchant, fav, link):
    with override_settings(FACEAUTH_TRUSTED_PROXIES=1):
        client.get(link, headers={"X-Forwarded-For": "203.0.113.9"})

    [shown] = merchant.attempts(fav)["data"]
    assert shown["applicant_session_information"]["ip_address"] == "203.0.113.9"


@pytest.mark.parametrize(("language", "shown"), [("de", "de"), ("fr-CA", "fr"), (None, "en")])
def test_the_capture_page_is_in_the_language_that_was_asked_for(merchant, client, language, shown):
    idv = merchant.create(name="Hannah Bret")
    information = {"pre_selected_language": language} if language else {}

    attempt = merchant.attempt(idv, client_information=information)

    page = client.get(urlsplit(attempt["_links"]["verification_url"]["href"]).path)
    assert f'<html lang="{shown}' in page.content.decode()
    assert attempt["client_information"] == information
