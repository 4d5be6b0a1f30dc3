"""Where the browser lands after the face, and where mails lead."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import override_settings
from django.test.utils import override_script_prefix

pytestmark = [pytest.mark.django_db(transaction=True)]

LONG = "/statements/?note=" + "x" * 4000


def lands(person, start):
    """Do the check, and return the path and query of the page that the browser lands on."""
    response = person.returns(person.shows_face(person.is_handed_over(start)))
    person.clock.shift(3)
    while response.status_code == 302 and "/face/" in response["Location"]:
        response = person.browser.get(response["Location"])
    return response["Location"]


def waiting(person):
    return f"/face/waiting/{person.challenge.handle}/"


def test_a_long_address_is_not_forgotten(person):
    """(F-31): Django's own function takes no more than 2,048 characters for safe."""
    assert lands(person, person.is_asked(LONG)) == LONG


@pytest.mark.parametrize(
    "referrer",
    [
        {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "navigate"},
        {"HTTP_REFERER": "https://evil.example/page"},
        {"HTTP_REFERER": "https://[evil"},
    ],
)
def test_a_link_of_another_site_does_not_change_it(person, referrer):
    """(F-31): opened while the capture goes on."""
    start = person.is_asked("/statements/?mine")
    capture = person.is_handed_over(start)
    assert person.is_asked("/statements/?theirs", **referrer) == start

    person.shows_face(capture)
    person.clock.shift(3)

    assert person.browser.get(waiting(person))["Location"] == "/statements/?mine"


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_a_link_of_this_site_does(person, site):
    capture = person.is_handed_over(person.is_asked("/statements/?first"))
    person.is_asked("/statements/?second", HTTP_SEC_FETCH_SITE=site)

    person.shows_face(capture)
    person.clock.shift(3)

    assert person.browser.get(waiting(person))["Location"] == "/statements/?second"


SCRIPT = {"HTTP_ACCEPT": "*/*", "HTTP_REFERER": "http://testserver/overview/"}


def test_a_script_of_another_tab_does_not_change_it(person):
    """(F-20): a tab that polls must not move the user who shows their face."""
    start = person.is_asked("/statements/?mine")
    answer = person.browser.get("/statements/", **SCRIPT)

    assert answer.json()["start_url"] == f"http://testserver{start}?next=%2Foverview%2F"
    assert lands(person, start) == "/statements/?mine"


def test_a_script_does_not_drop_what_a_form_has_kept(person):
    person.is_asked("/change/", "post", data={"email": "new@example.com"})
    person.browser.post("/change/", **SCRIPT)

    assert person.challenge.saved_form_data == [["email", ["new@example.com"]]]


def test_a_user_whom_a_script_sends_on_comes_back_to_its_page(person):
    person.is_asked("/statements/")
    start = person.browser.get("/statements/", **SCRIPT).json()["start_url"]

    assert lands(person, person.browser.get(start)["Location"]) == "/overview/"


@pytest.mark.parametrize(
    ("wanted", "landed"),
    [("https://evil.example/", "/home/"), ("//evil.example", "/home/"), ("/a\0b", "/a%00b")],
)
def test_a_start_page_leads_to_no_other_site(person, wanted, landed):
    """(U-02)."""
    start = person.browser.get(person.is_asked(), {"next": wanted})["Location"]

    assert lands(person, start) == landed


@pytest.mark.parametrize(
    ("url", "prefix", "path"),
    [
        ("https://bank.example/below", "/below/", "/below/face/report/"),
        ("https://bank.example/below/", "/below/", "/below/face/report/"),
        ("https://bank.example/below", None, "/below/face/report/"),
        ("https://bank.example/below/", None, "/below/face/report/"),
        ("https://bank.example", "/", "/face/report/"),
        ("https://bank.example", "/below/", "/below/face/report/"),
    ],
)
def test_links_of_mails(alice, url, prefix, path):
    """(F-31): with the path of the site once, from web and (without a prefix) from worker."""
    with override_settings(FACEAUTH_NOTICES=True, FACEAUTH_SITE_URL=url):
        alice.shows_face(alice.is_handed_over(alice.is_asked()))
        alice.clock.shift(3)
        if prefix is None:
            call_command("faceauth_sync")
        else:
            with override_script_prefix(prefix):
                alice.browser.get(waiting(alice))

    (message,) = mail.outbox
    link = re.search(r"https://\S+/report/\S+", message.body)[0]
    assert urlsplit(link).path.startswith(path)
