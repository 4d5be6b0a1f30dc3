"""A day at the bank: everybody comes in over plain HTTP, without JavaScript."""

from __future__ import annotations

import re

import pytest

from tests.example.customer import Customer

pytestmark = pytest.mark.enable_socket

OPEN_UNTIL = r"open until (\d\d:\d\d:\d\d UTC)"


def test_login_comes_first(bank: str) -> None:
    """Whoever is not logged in is asked to, and gets to the gate afterwards."""
    stranger = Customer(bank)

    login = stranger.opens("/statements/")
    start = stranger.submits(login, username="alice", password="demo")

    assert "/login/?next=/statements/" in login.url
    assert "Please show your face" in start.text


def test_alice_gets_in(bank: str) -> None:
    """A recognised face opens the page that asked, and no other."""
    alice = Customer(bank, "alice")

    statements = alice.shows_face("/statements/")

    assert statements.url == f"{bank}/statements/"
    assert "Opening balance" in statements.text
    assert re.search(f"Statements: {OPEN_UNTIL}", statements.text)
    assert "Settings: needs your face" in statements.text
    assert "Payout: needs your face each time" in statements.text


def test_webhooks_arrive(bank: str) -> None:
    """Whoever shows the demo can watch them, on a page that every page links to."""
    alice = Customer(bank, "alice")
    alice.shows_face("/statements/")

    assert f"{bank}/simulator/" in alice.opens("/login/").links
    deliveries = alice.waits_for("face_authentication_checks_completed", "/simulator/")
    assert "delivered 1 200" in deliveries.text


def test_bob_is_somebody_else(bank: str) -> None:
    """A face that does not match opens nothing, and the fraud code is not told."""
    bob = Customer(bank, "bob")

    result = bob.shows_face("/statements/")

    assert "We could not confirm that it is you" in result.text
    assert "62321" not in result.text
    assert "Statements: needs your face" in bob.opens("/").text


def test_carol_needs_two_tries(bank: str) -> None:
    """A capture that broke off can be made up for.

    The provider is asked at most every two seconds, so that the browser waits a little
    the second time, and then goes on by itself.
    """
    carol = Customer(bank, "carol")

    aborted = carol.shows_face("/statements/")
    statements = carol.submits(carol.submits(aborted), outcome="same_person")

    assert "try that again" in aborted.text
    assert statements.url == f"{bank}/statements/"


def test_dave_refuses(bank: str) -> None:
    """Who does not want to show their face is told of another way."""
    dave = Customer(bank, "dave")

    result = dave.shows_face("/statements/")

    assert "You chose not to show your face" in result.text
    assert "another way" in result.text


def test_erin_is_not_enrolled(bank: str) -> None:
    """Who is not enrolled never gets to a camera."""
    erin = Customer(bank, "erin")

    denied = erin.opens("/statements/")

    assert denied.status == 403
    assert "You are not enrolled" in erin.opens("/").text


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        ("someone_else", "We could not confirm that it is you"),
        ("no_camera", "try that again"),
        ("refuse", "You chose not to show your face"),
    ],
)
def test_frank_decides_himself(bank: str, outcome: str, answer: str) -> None:
    """What is pressed on the capture page is what happens."""
    frank = Customer(bank, "frank")

    assert answer in frank.shows_face("/statements/", outcome).text


def test_panel_says_what_the_gate_says(bank: str) -> None:
    """The panel and the page behind the gate speak of the same face."""
    alice = Customer(bank, "alice")
    assert "Settings: needs your face" in alice.opens("/").text

    alice.shows_face("/settings/")

    overview = alice.opens("/").text
    assert re.search(f"Settings: {OPEN_UNTIL}", overview)
    assert "Statements: needs your face" in overview


def test_address_is_changed_behind_a_face(bank: str) -> None:
    """A face shown for statements does not open the settings; one shown for them does."""
    alice = Customer(bank, "alice")
    alice.shows_face("/statements/")

    saved = alice.submits(alice.shows_face("/settings/"), email="alice@harbour.example")

    assert "Your e-mail address is saved." in saved.text
    assert "alice@harbour.example" in saved.forms[-1].fields["email"]


@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/nowhere/"])
def test_every_page_has_a_strict_policy(bank: str, path: str) -> None:
    """The bank forbids what it does not need, and the package works under that."""
    policy = Customer(bank).opens(path).headers["Content-Security-Policy"]

    assert policy == "default-src 'self'; form-action 'self'"


def test_admin_works_behind_the_scenes(bank: str) -> None:
    """Staff see who paid what."""
    assert "Payouts" in Customer(bank, "admin").opens("/admin/").text


def test_pages_can_be_read_from_right_to_left(bank: str) -> None:
    """The language of the browser decides, without a word in the address."""
    visitor = Customer(bank)
    visitor.browser.headers["Accept-Language"] = "ar"

    assert visitor.opens("/login/").headers["Content-Language"] == "ar"
