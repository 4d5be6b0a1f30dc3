"""Responses to htmx, which redirect the browser and are never swapped into a page."""

from __future__ import annotations

import pytest

HTMX = {"HX-Request": "true"}
HERE = "http://testserver"


def asks(person, path="/payout/", method="get", **headers):
    return getattr(person.browser, method)(path, headers={**HTMX, **headers})


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_htmx_is_given_the_url_of_the_start_page(person, method):
    """Caches know the difference from other browsers."""
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
    """The browser comes back to what it wanted to open."""
    boosted = {"HX-Boosted": "true", "HX-Current-URL": f"{HERE}/home/"}

    answer = asks(person, "/payout/?page=2", **boosted)

    assert answer["HX-Redirect"] == f"/face/start/{person.challenge.handle}/"
    assert person.challenge.next_url == "/payout/?page=2"


def test_anonymous_users_log_in_first(client, db):
    """They come back to the page, not to the part of it that htmx requested (G-08)."""
    answer = client.get("/payout/", headers={**HTMX, "HX-Current-URL": f"{HERE}/know/"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/login/?next=/know/"


def test_a_user_who_cannot_pass_is_refused(people):
    answer = asks(people(None))

    assert answer.status_code == 403
    assert "HX-Redirect" not in answer


def test_fields_of_an_htmx_form_may_be_kept(person):
    """U-10."""
    answer = person.browser.post(
        "/change/",
        {"email": "a@example.com"},
        headers={**HTMX, "HX-Current-URL": f"{HERE}/home/"},
    )

    page = person.proves(answer["HX-Redirect"])

    assert person.confirms(page).content == b"changed a@example.com []"
