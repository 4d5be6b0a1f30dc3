"""The user and the session of a grant."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.test import Client, RequestFactory

from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity

pytestmark = pytest.mark.database

GATE = "/statements/"


def test_cycle_key_keeps_the_grant(person):
    """B-05."""
    person.passes(GATE)
    session = person.browser.session
    session.cycle_key()
    person.browser.cookies["sessionid"] = session.session_key

    assert person.browser.get(GATE).status_code == 200


def test_the_session_holds_a_secret_and_the_row_only_its_digest(person):
    """Readers of the table cannot use the session (B-04)."""
    person.is_asked(GATE)

    secret = person.browser.session[identity.SESSION_KEY]

    digest = person.challenge.session_digest
    assert len(secret) >= 43  # 256 bits
    assert secret not in digest
    assert digest != hashlib.sha256(secret.encode()).hexdigest()


def test_handles_cannot_be_guessed(person):
    """They have at least 128 random bits, new for each challenge (B-07)."""
    handles = {person.is_asked(path).split("/")[3] for path in (GATE, "/payout/", "/reports/")}

    assert len(handles) == 3
    assert all(len(handle) >= 22 for handle in handles)


@pytest.mark.parametrize("page", ["start", "waiting", "status"])
def test_unknown_and_foreign_handles_look_the_same(people, page):
    """To another user, another session and anonymous users (B-07, TH-24)."""
    alice, bob = people(), people()
    alice.is_asked()
    bob.is_asked()
    handle = alice.challenge.handle
    other_browser = alice.new_browser()
    other_browser.get(GATE)

    answers = [
        (answer.status_code, answer.content)
        for browser in (bob.browser, other_browser, Client())
        for name in (handle, "invented")
        for answer in [browser.get(f"/face/{page}/{name}/")]
    ]

    assert {status for status, _content in answers} == {404}
    assert len({content for _status, content in answers}) == 1


def test_returning_with_the_handle_of_another_user_grants_nothing(people):
    """TH-01."""
    alice, bob = people(), people()
    alice.is_asked()
    back = bob.shows_face(bob.is_handed_over(bob.is_asked()))
    bob.clock.shift(3)

    response = alice.browser.get(back)

    assert response.status_code == 404
    assert FaceChallenge.objects.filter(state="granted").count() == 0
    alice.is_asked()


def test_a_login_or_the_first_challenge_gives_the_session_its_secret(person):
    """The second for sessions from before the package was installed."""
    session = person.browser.session
    assert session[identity.SESSION_KEY]
    del session[identity.SESSION_KEY]
    session.save()

    assert person.passes(GATE).content.startswith(b"secret")


def test_signals_of_other_tools_without_a_session_do_nothing(person):
    person.passes(GATE)

    for request in (None, RequestFactory().get("/")):
        user_logged_in.send(sender=type(person.user), request=request, user=person.user)
    user_logged_out.send(sender=type(person.user), request=None, user=person.user)

    assert person.challenge.state == "granted"


def test_a_session_whose_secret_is_no_text_has_no_challenges(person):
    person.passes(GATE)
    session = person.browser.session
    session[identity.SESSION_KEY] = {"not": "a text"}
    session.save()

    assert person.browser.get(f"/face/waiting/{person.challenge.handle}/").status_code == 404
