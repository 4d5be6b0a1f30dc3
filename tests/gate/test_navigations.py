"""Navigations and htmx are redirected; scripts and programs get a problem (F-28, F-86)."""

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
def test_navigations_are_redirected_and_programs_get_a_problem(person, method):
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


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods_get_a_problem(person, method):
    """RFC 9470 (F-28); tests/api/test_refusal.py has the whole document."""
    answer = getattr(person.browser, method)("/payout/", headers=PAGES["a browser"])

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == (
        'Session error="insufficient_user_authentication", max_age="180", acr_values="face"'
    )
    body = answer.json()
    assert (body["code"], body["action"], body["max_age"]) == ("face_required", "payout", 180)


def test_after_a_request_of_a_script_the_user_returns_to_its_page(person):
    """A request with a JSON body is one, too (F-28)."""
    page = {"referer": "http://testserver/know/"}
    person.browser.get("/payout/", headers={**PROGRAMS["fetch"], **page})
    assert person.challenge.next_url == "/know/"

    answer = person.browser.post("/payout/", b"{}", "application/vnd.api+json")
    assert answer.status_code == 401


def test_programs_that_are_not_logged_in_get_the_url_of_the_login(client, db):
    """And no session (F-86)."""
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


#: htmx would swap the target of an ordinary redirect into a page.
HTMX = {"HX-Request": "true", **PROGRAMS["fetch"]}
HERE = "http://testserver"


def asks(person, path="/payout/", method="get", **headers):
    return getattr(person.browser, method)(path, headers={**HTMX, **headers})


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_htmx_is_given_the_url_of_the_start_page(person, method):
    """Although it fetches (F-28); caches know the difference from other browsers."""
    answer = asks(person, method=method)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == f"/face/start/{person.challenge.handle}/"
    assert answer["Cache-Control"] == "no-store, private"
    assert "Location" not in answer
    redirect = person.browser.get("/payout/")
    assert "HX-Redirect" not in redirect
    assert "HX-Request" in answer["Vary"]
    assert "HX-Request" in redirect["Vary"]


def test_after_the_face_the_user_returns_to_the_page(person):
    """htmx names its URL (U-02)."""
    answer = asks(person, **{"HX-Current-URL": f"{HERE}/home/?tab=2#part"})

    page = person.proves(answer["HX-Redirect"])

    assert person.challenge.next_url == "/home/?tab=2"
    assert page.content == b"home"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/home/",
        "//evil.example/home/",
        "http://testserver.evil.example/",
        "http://testserver@evil.example/",
        "http:///evil.example",
        "javascript:alert(1)",
        "\\\\evil.example\\",
        "http://testserver:99/home/",
        "",
        None,
    ],
)
def test_the_user_stays_on_this_site(person, url):
    """U-02."""
    asks(person, **({} if url is None else {"HX-Current-URL": url}))

    assert person.challenge.next_url == "/home/"


def test_a_boosted_link_is_a_page(person):
    boosted = {"HX-Boosted": "true", "HX-Current-URL": f"{HERE}/home/"}

    answer = asks(person, "/payout/?page=2", **boosted)

    assert answer["HX-Redirect"] == f"/face/start/{person.challenge.handle}/"
    assert person.challenge.next_url == "/payout/?page=2"


def test_anonymous_users_log_in_first(client, db):
    """They come back to the page, not to the part of it that htmx requested (G-08)."""
    answer = client.get("/payout/", headers={**HTMX, "HX-Current-URL": f"{HERE}/know/"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/login/?next=/know/"


def test_fields_of_an_htmx_form_may_be_kept(person):
    """U-10."""
    answer = person.browser.post(
        "/change/",
        {"email": "a@example.com"},
        headers={**HTMX, "HX-Current-URL": f"{HERE}/home/"},
    )

    page = person.proves(answer["HX-Redirect"])

    assert person.confirms(page).content == b"changed a@example.com []"
