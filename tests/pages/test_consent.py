"""The box on the start page, and the page that takes it back."""

from __future__ import annotations

import re

import pytest

from django_faceauth.models import Consent, ErasureTask
from django_faceauth.services.privacy import consent
from tests.pages.test_pages import Reader
from tests.user_driver import capture_url_in

VERSION = "2026-11"
PAGE = "/face/consent/"


@pytest.fixture(autouse=True)
def asked_for(settings):
    settings.FACEAUTH_CONSENT_VERSION = VERSION


def box_on(page):
    """Return the attributes of the box, or None if the page has none."""
    boxes = [tag for tag in Reader(page.content.decode()).all("input") if tag["name"] == "consent"]
    return boxes[0] if boxes else None


def ticks(person, start, version=VERSION):
    """Tick the box and press the button."""
    return person.browser.post(start, {"consent": version})


def agrees(person, path="/statements/"):
    """Agree on a start page, and show a face."""
    capture = capture_url_in(ticks(person, person.is_asked(path)))
    return person.waits(person.returns(person.shows_face(capture)))


def test_the_start_page_says_what_is_agreed_to(person):
    """The whole text, above a box that is not ticked and has to be (V-02)."""
    page = person.browser.get(person.is_asked())

    html, box = page.content.decode(), box_on(page)
    assert html.index(consent.current_text().html) < html.index('name="consent"')
    assert (box["type"], box["value"]) == ("checkbox", VERSION)
    assert "required" in box
    assert "checked" not in box
    assert [tag["for"] for tag in Reader(html).all("label")] == [box["id"]]


@pytest.mark.parametrize("sent", [{}, {"consent": ""}, {"consent": "on"}, {"consent": "2025-01"}])
def test_without_the_box_nothing_happens(person, provider, sent):
    """The page again, with an alert; the provider is not called (V-02), and it goes on (V-04)."""
    start = person.is_asked()

    page = person.browser.post(start, sent)

    assert page.status_code == 400
    assert 'role="alert" id="fa-missed"' in page.content.decode()
    box = box_on(page)
    assert (box["aria-describedby"], box["aria-invalid"]) == ("fa-missed", "true")  # WCAG 3.3.1
    assert "autofocus" in box
    assert "checked" not in box
    assert provider.calls == []
    assert not Consent.objects.exists()
    assert person.challenge.state == "open"
    assert ticks(person, start).status_code == 200


def test_a_consent_is_asked_for_once(person):
    assert agrees(person).status_code == 200
    kept = Consent.objects.get()
    assert (kept.user, kept.version, kept.language) == (person.user, VERSION, "en")

    page = person.browser.get(person.is_asked("/payout/"))

    assert box_on(page) is None
    assert PAGE in page.content.decode()
    assert person.presses(person.is_asked("/payout/")).status_code == 200


def test_a_second_try_asks_for_a_changed_text(person, settings):
    """Wherever the button stands (V-02)."""
    start = person.is_asked()
    capture = capture_url_in(ticks(person, start))
    settings.FACEAUTH_CONSENT_VERSION = "2027-01"

    again = person.waits(person.returns(person.shows_face(capture, "leave")))

    assert box_on(again)["value"] == "2027-01"


def test_saying_no_leads_to_the_other_way(person, settings):
    """V-04."""
    start = person.is_asked()
    before = person.browser.get(start).content.decode()
    assert "by-code" not in before
    assert consent.current_text().html in before

    settings.FACEAUTH_FALLBACK = "by-code"
    page = person.browser.get(start).content.decode()

    link = re.search(r'href="(/by-code/\?challenge=[^"]+)"', page)
    assert person.browser.get(link[1]).status_code == 200
    assert consent.current_text().html in page
    assert consent.current_text().html not in before


def form_of(page):
    return [form["action"] for form in Reader(page.content.decode()).all("form")]


def test_it_says_when_and_to_what(person, settings):
    """V-03, V-08. A GET changes nothing, and an earlier text is not shown as if it were today's."""
    before = person.browser.get(PAGE)
    assert (before.context["latest"], form_of(before)) == (None, [])
    agrees(person)

    for version in (VERSION, "2027-01"):
        settings.FACEAUTH_CONSENT_VERSION = version
        page = person.browser.get(PAGE)

        assert "March 1, 2026, 6 a.m. (CST)" in page.content.decode()
        assert page.context["is_needed"] == (version != VERSION)
        assert (consent.current_text().html in page.content.decode()) == (version == VERSION)
        assert form_of(page) == [PAGE]
    assert Consent.objects.get().withdrawn_at is None


def test_one_button_takes_it_back(person, people, settings):
    """As easy as giving it: one press, and everything is shut (V-03, V-08)."""
    agrees(person)
    people().browser.post(PAGE)  # is about that user's own consent
    assert Consent.objects.get().withdrawn_at is None
    settings.FACEAUTH_FALLBACK = "by-code"
    assert person.browser.get(PAGE).context["fallback"] == "/by-code/"

    page = person.browser.post(PAGE, follow=True)

    text = page.content.decode()
    assert page.context["fallback"] == "/by-code/"
    assert page.redirect_chain == [(PAGE, 302)]
    assert "March 1, 2026" in text
    assert form_of(page) == []
    assert ErasureTask.objects.get().provider_id == person.authentication.provider_id
    assert person.challenge.state == "revoked"
    assert person.browser.get("/statements/").status_code == 302


def test_it_takes_a_login(client, db):
    assert client.get(PAGE)["Location"] == f"/login/?next={PAGE}"
    assert client.post(PAGE)["Location"] == f"/login/?next={PAGE}"


def test_an_impersonated_user_does_not_withdraw(person):
    """It cannot be undone, so it takes the person themselves (TH-44)."""
    agrees(person)
    person.marks(hijack_history=["1"])

    assert form_of(person.browser.get(PAGE)) == []
    assert person.browser.post(PAGE).status_code == 403
    assert Consent.objects.get().withdrawn_at is None
