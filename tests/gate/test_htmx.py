"""How htmx is answered: sent on as a whole, and never swapped into a page."""

from __future__ import annotations

import pytest

HTMX = {"HX-Request": "true"}
HERE = "http://testserver"


def asks(person, path="/payout/", method="get", **headers):
    return getattr(person.browser, method)(path, headers={**HTMX, **headers})


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_htmx_is_told_where_the_browser_goes(person, method):
    """By every method that htmx has; a program would get a problem."""
    answer = asks(person, method=method)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == f"/face/start/{person.challenge.handle}/"
    assert "HX-Request" in answer["Vary"]
    assert answer["Cache-Control"] == "no-store, private"
    assert "Location" not in answer


def test_others_are_redirected_and_caches_know_the_difference(person):
    answer = person.browser.get("/payout/")

    assert answer.status_code == 302
    assert "HX-Request" in answer["Vary"]
    assert "HX-Redirect" not in answer


def test_after_the_face_the_page_is_there_not_its_part(person):
    """The address is what htmx says the browser shows (U-02)."""
    answer = asks(person, **{"HX-Current-URL": f"{HERE}/home/?tab=2#part"})

    page = person.proves(answer["HX-Redirect"])

    assert person.challenge.next_url == "/home/?tab=2"
    assert page.content == b"home"


@pytest.mark.parametrize(
    "told",
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
    ],
)
def test_only_pages_of_this_site_are_gone_on_to(person, told):
    """Whatever the header says, the way on stays here (U-02)."""
    asks(person, **{"HX-Current-URL": told})

    assert person.challenge.next_url == "/home/"


def test_without_the_header_the_way_on_is_home(person):
    asks(person)

    assert person.challenge.next_url == "/home/"


def test_what_htmx_boosts_is_a_page(person):
    """The browser is sent on in the same way, and comes back to what it wanted to open."""
    boosted = {"HX-Boosted": "true", "HX-Current-URL": f"{HERE}/home/"}

    answer = asks(person, "/payout/?page=2", **boosted)

    assert answer["HX-Redirect"] == f"/face/start/{person.challenge.handle}/"
    assert person.challenge.next_url == "/payout/?page=2"


def test_visitors_who_are_not_logged_in_log_in_first(client, db):
    """And come back to the page, not to the part of it that htmx wanted (G-08)."""
    answer = client.get("/payout/", headers={**HTMX, "HX-Current-URL": f"{HERE}/know/"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/login/?next=/know/"


def test_who_cannot_pass_is_refused_as_ever(people):
    """A page with its status; what htmx does with that is the site's to say."""
    answer = asks(people(None))

    assert answer.status_code == 403
    assert "HX-Redirect" not in answer


def test_a_fresh_face_is_all_it_takes(person):
    person.passes("/payout/")

    assert asks(person).content.startswith(b"secret")


def test_what_an_htmx_form_sent_may_be_kept(person):
    """The continue page shows it and sends it, as a page (U-10)."""
    answer = person.browser.post(
        "/change/",
        {"email": "a@example.com"},
        headers={**HTMX, "HX-Current-URL": f"{HERE}/home/"},
    )

    page = person.proves(answer["HX-Redirect"])

    assert person.confirms(page).content == b"changed a@example.com []"
