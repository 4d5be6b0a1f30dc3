from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, override_settings
from django.utils import translation
from requests import HTTPError
from time_machine import Traveller

from django_faceauth.simulator.capture_driver import CaptureDriver
from tests.simulator.merchant import BACK, Merchant, session

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"


@pytest.fixture
def merchant(db: None) -> Merchant:
    """Calls the simulator where the site has it, so that a test client can follow the links."""
    return Merchant("https://testserver/simulator", session(root="/simulator"))


@pytest.fixture
def fav(merchant: Merchant) -> str:
    return merchant.create()


@pytest.fixture
def link(merchant: Merchant, fav: str) -> str:
    return urlsplit(merchant.capture_url(fav)).path


def test_the_page_offers_every_ending(client: Client, link: str) -> None:
    html = client.get(link).content.decode()

    for outcome in ("same_person", "someone_else", "no_camera", "leave", "refuse"):
        assert f'name="outcome" value="{outcome}"' in html


def test_the_page_of_a_scripted_applicant_has_one_button(
    client: Client, merchant: Merchant
) -> None:
    link = urlsplit(merchant.capture_url(merchant.create("aplt_10000"))).path

    html = client.get(link).content.decode()

    assert html.count('name="outcome"') == 1
    assert 'name="outcome" value="same_person"' in html


def test_the_page_protects_itself_but_lets_its_form_lead_elsewhere(
    client: Client, link: str
) -> None:
    response = client.get(link)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"


def test_the_page_has_no_inline_script_or_style(client: Client, link: str) -> None:
    html = client.get(link).content.decode()

    assert "<style" not in html
    assert "style=" not in html
    assert "onclick" not in html
    assert html.count("<script") == html.count("<script src=") == 1


def test_the_page_reads_from_right_to_left_where_the_language_does(
    client: Client, link: str
) -> None:
    with translation.override("ar"):
        html = client.get(link).content.decode()

    assert '<html lang="ar" dir="rtl">' in html


def test_the_provider_learns_which_device_opened_the_page(
    client: Client, merchant: Merchant, fav: str, link: str
) -> None:
    client.get(link, headers={"User-Agent": PHONE})
    client.get(link, headers={"User-Agent": "Firefox"})

    told = merchant.attempts(fav)["data"][0]["applicant_session_information"]
    assert told == {
        "ip_address": "127.0.0.1",
        "user_agent": "Firefox",
        "initial_device": "mobile",
        "number_of_sessions": 2,
    }


@pytest.mark.parametrize("choice", ["same_person", "someone_else"])
def test_after_a_capture_the_browser_goes_back_without_a_result(
    client: Client, fav: str, link: str, choice: str
) -> None:
    client.get(link)

    response = client.post(link, {"outcome": choice})

    assert response.status_code == 302
    assert response["Location"] == (f"{BACK}&id={fav}&event=face_authentication_capture_completed")


@pytest.mark.parametrize(
    ("choice", "code"), [("no_camera", "61203"), ("leave", "61121"), ("refuse", "63001")]
)
def test_after_a_capture_that_went_wrong_the_browser_brings_the_code(
    client: Client, fav: str, link: str, choice: str, code: str
) -> None:
    client.get(link)

    response = client.post(link, {"outcome": choice})

    assert parse_qs(urlsplit(response["Location"]).query) == {
        "order": ["7"],
        "id": [fav],
        "event": ["face_authentication_capture_completed"],
        "response_code": [code],
    }


@pytest.mark.parametrize(
    ("redirect_url", "before", "after"),
    [
        ("https://bank.example/back", "https://bank.example/back?id=", ""),
        ("https://bank.example/?a=%2F&b", "https://bank.example/?a=%2F&b&id=", ""),
        ("http://localhost:8000/back#top", "http://localhost:8000/back?id=", "#top"),
    ],
)
def test_the_way_back_keeps_the_address_as_it_was(
    client: Client, merchant: Merchant, fav: str, redirect_url: str, before: str, after: str
) -> None:
    attempt = merchant.attempt(fav, redirect_url=redirect_url)
    link = urlsplit(attempt["_links"]["verification_url"]["href"]).path

    location = client.post(link, {"outcome": "same_person"})["Location"]

    assert location.startswith(before)
    assert location.endswith(after)


def test_an_outcome_that_the_page_does_not_offer_changes_nothing(
    client: Client, merchant: Merchant, fav: str, link: str
) -> None:
    client.get(link)

    assert client.post(link, {"outcome": "approved"}).status_code == 400
    assert client.post(link).status_code == 400
    assert merchant.read(fav)["status"] == "capture_in_progress"


def test_a_link_works_once(client: Client, link: str) -> None:
    client.post(link, {"outcome": "same_person"})

    for response in (client.get(link), client.post(link, {"outcome": "same_person"})):
        assert response.status_code == 410
        assert response["Cache-Control"] == "no-store"


def test_a_newer_attempt_takes_the_place_of_the_link(
    client: Client, merchant: Merchant, fav: str, link: str
) -> None:
    merchant.attempt(fav)

    assert client.get(link).status_code == 410


def test_a_link_expires(client: Client, merchant: Merchant, fav: str, clock: Traveller) -> None:
    link = urlsplit(merchant.capture_url(fav)).path
    clock.shift(15 * 60)

    assert client.get(link).status_code == 410
    assert merchant.read(fav)["status"] == "retry_required"


def test_a_made_up_link_is_unknown(client: Client, link: str) -> None:
    assert client.get(link.replace("/capture/", "/capture/x")).status_code == 404
    assert client.post("/simulator/capture/token/", {"outcome": "refuse"}).status_code == 404


def test_a_finished_script_stays_finished(client: Client, merchant: Merchant) -> None:
    link = urlsplit(merchant.capture_url(merchant.create("aplt_10000"))).path
    client.post(link, {"outcome": "same_person"})

    assert client.post(link, {"outcome": "same_person"}).status_code == 410


@override_settings(
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
)
def test_the_provider_knows_nothing_of_logins_and_csrf_tokens_of_the_site(link: str) -> None:
    stranger = Client(enforce_csrf_checks=True)

    assert stranger.get(link).status_code == 200
    assert stranger.post(link, {"outcome": "same_person"}).status_code == 302


def test_a_visitor_notices_a_dead_link(
    merchant: Merchant, fav: str, visitor: CaptureDriver
) -> None:
    link = merchant.capture_url(fav)
    visitor.show_face(link)

    with pytest.raises(HTTPError, match="410"):
        visitor.show_face(link)
