"""Who is redirected, and who is told: only navigations are redirected (F-28, F-86)."""

from __future__ import annotations

import pytest

from django_faceauth.models import FaceChallenge

pytestmark = pytest.mark.database

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NAVIGATES = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FETCHES = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
JQUERY = {"x-requested-with": "XMLHttpRequest"}

PAGES = {
    "a test client": {},
    "a browser": {"accept": HTML, **NAVIGATES},
    "a browser without fetch metadata": {"accept": HTML},
    "a frame": {"accept": HTML, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    "a browser that reads XHTML": {"accept": "application/xhtml+xml, */*;q=0.1"},
}
PROGRAMS = {
    "fetch": {"accept": "*/*", **FETCHES},
    "fetch for HTML": {"accept": "text/html", **FETCHES},
    "an image": {"accept": "image/*", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    "a browser that tells the destination only": {"accept": HTML, "sec-fetch-dest": "empty"},
    "jQuery": {"accept": "*/*", **JQUERY},
    "jQuery's load": {"accept": "text/html, */*; q=0.01", **JQUERY, **FETCHES},
    "jQuery in an old browser": {"accept": "text/html, */*; q=0.01", **JQUERY},
    "curl": {"accept": "*/*"},
    "a client for JSON": {"accept": "application/json, text/plain, */*"},
    "a client that prefers JSON": {"accept": "application/json, text/html;q=0.5"},
    "a client that wants no HTML": {"accept": "text/html;q=0, */*"},
    "a stream": {"accept": "text/event-stream", **FETCHES},
}


@pytest.mark.parametrize("method", ["get", "post"])
def test_navigations_are_redirected_and_programs_are_told(person, method):
    """(F-28)."""
    for kind, headers in PAGES.items():
        answer = getattr(person.browser, method)("/payout/", headers=headers)
        assert answer.status_code == 302, kind
        assert "/face/start/" in answer["Location"], kind
    for kind, headers in PROGRAMS.items():
        answer = getattr(person.browser, method)("/payout/", headers=headers)
        assert answer.status_code == 401, kind
        assert answer["Content-Type"] == "application/problem+json", kind
        assert "insufficient_user_authentication" in answer["WWW-Authenticate"], kind
        assert answer.json()["start_url"].endswith(f"/face/start/{person.challenge.handle}/"), kind


@pytest.mark.parametrize("method", ["options", "trace", "put"])
def test_a_browser_opens_no_page_by_another_method(person, method):
    """(F-28)."""
    answer = getattr(person.browser, method)("/payout/", headers=PAGES["a browser"])

    assert (answer.status_code, answer.json()["code"]) == (401, "face_required")


def test_a_json_body_is_of_a_program(person):
    """Whatever it says that it is of (F-28)."""
    answer = person.browser.post("/payout/", b"{}", "application/vnd.api+json")

    assert answer.status_code == 401


def test_who_is_no_navigation_goes_on_to_its_page(person):
    """The address of a script's request is no page to go on to (F-28)."""
    page = {"referer": "http://testserver/know/"}
    person.browser.get("/payout/", headers={**PROGRAMS["fetch"], **page})

    assert person.challenge.next_url == "/know/"


def test_programs_that_are_not_logged_in_are_told_where_to(client, db):
    """And no session is made for them (F-86)."""
    for kind, headers in PROGRAMS.items():
        page = {"referer": "http://testserver/know/"}
        answer = client.get("/payout/", headers={**headers, **page})

        assert answer.status_code == 401, kind
        assert answer["Content-Type"] == "application/problem+json", kind
        assert answer["WWW-Authenticate"] == "Session", kind
        assert answer["Cache-Control"] == "no-store, private", kind
        assert answer.json()["code"] == "not_authenticated", kind
        assert answer.json()["login_url"] == "http://testserver/login/?next=/know/", kind
    for kind, headers in PAGES.items():
        answer = client.get("/payout/", headers=headers)
        assert answer["Location"] == "/login/?next=/payout/", kind
    assert FaceChallenge.objects.count() == 0
    assert not client.cookies


def test_who_cannot_pass_is_told_as_a_program_too(people):
    """(F-28)."""
    answer = people(None).browser.get("/payout/", headers=PROGRAMS["fetch"])

    assert (answer.status_code, answer.json()["code"]) == (403, "not_enrolled")


def test_htmx_is_sent_on_as_ever(person):
    """It fetches, and speaks for a page (F-28)."""
    answer = person.browser.get("/payout/", headers={"hx-request": "true", **PROGRAMS["fetch"]})

    assert answer["HX-Redirect"].endswith(f"/face/start/{person.challenge.handle}/")
