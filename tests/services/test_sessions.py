"""Whose grant it is."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.test import RequestFactory

from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity

pytestmark = pytest.mark.database

GATE = "/statements/"


def test_rotation_by_others_keeps_the_grant(person):
    """cycle_key() keeps what the session holds (B-05)."""
    person.passes(GATE)
    session = person.browser.session
    session.cycle_key()
    person.browser.cookies["sessionid"] = session.session_key

    assert person.browser.get(GATE).status_code == 200


def test_a_new_password_ends_the_grant_and_the_open_questions(person):
    """Also with update_session_auth_hash, which keeps the session (B-06, TH-21)."""
    person.passes(GATE)
    start = person.is_asked("/payout/")

    change_password(person)

    assert person.browser.get("/home/").status_code == 200
    assert person.browser.get(start).status_code == 404
    person.is_asked(GATE)


def change_password(person):
    request = RequestFactory().get("/")
    request.session = person.browser.session
    request.user = person.user
    person.user.set_password("another one")
    person.user.save()
    update_session_auth_hash(request, person.user)
    request.session.save()
    person.browser.cookies["sessionid"] = request.session.session_key


def test_the_session_holds_a_secret_and_the_row_only_its_digest(person):
    """Who reads the table cannot take part in the session (B-04)."""
    person.is_asked(GATE)

    secret = person.browser.session[identity.SESSION_KEY]

    digest = person.challenge.session_digest
    assert len(secret) >= 43  # 256 bits
    assert secret not in digest
    assert digest != hashlib.sha256(secret.encode()).hexdigest()


def test_handles_cannot_be_guessed(person):
    """At least 128 random bits, new for each question (B-07)."""
    handles = {person.is_asked(path).split("/")[3] for path in (GATE, "/payout/", "/reports/")}

    assert len(handles) == 3
    assert all(len(handle) >= 22 for handle in handles)


@pytest.mark.parametrize("page", ["start", "waiting", "status"])
def test_unknown_and_foreign_handles_look_the_same(people, page):
    """To another user, to another session of the same user, to nobody (B-07, TH-24)."""
    alice, bob = people(), people()
    alice.is_asked()
    bob.is_asked()
    handle = alice.challenge.handle
    other_browser = alice.new_browser()
    other_browser.get(GATE)

    seen = [
        (answer.status_code, answer.content)
        for browser in (bob.browser, other_browser)
        for name in (handle, "invented")
        for answer in [browser.get(f"/face/{page}/{name}/")]
    ]

    assert {status for status, _content in seen} == {404}
    assert len({content for _status, content in seen}) == 1


def test_coming_back_with_somebody_elses_handle_grants_nothing(people):
    """A's browser on B's way back (TH-01)."""
    alice, bob = people(), people()
    alice.is_asked()
    back = bob.shows_face(bob.is_handed_over(bob.is_asked()))
    bob.clock.shift(3)

    response = alice.browser.get(back)

    assert response.status_code == 404
    assert FaceChallenge.objects.filter(state="granted").count() == 0
    alice.is_asked()


def test_a_session_from_before_the_package_was_installed(person):
    """It gets its secret at the first question."""
    session = person.browser.session
    del session[identity.SESSION_KEY]
    session.save()

    assert person.passes(GATE).content.startswith(b"secret")


def test_a_login_prepares_the_session(person):
    """Two first pages at once find the same secret there."""
    assert person.browser.session[identity.SESSION_KEY]


def test_a_login_without_a_session_is_none_of_our_business(person):
    """Some tools announce log-ins that no browser made."""
    for request in (None, RequestFactory().get("/")):
        user_logged_in.send(sender=type(person.user), request=request, user=person.user)


def test_a_session_that_was_tampered_with_is_no_session_of_ours(person):
    person.passes(GATE)
    session = person.browser.session
    session[identity.SESSION_KEY] = {"not": "a text"}
    session.save()

    assert person.browser.get(f"/face/waiting/{person.challenge.handle}/").status_code == 404


def test_a_logout_without_a_request_ends_nothing(person):
    """Some tools send the signal by themselves."""
    person.passes(GATE)

    user_logged_out.send(sender=type(person.user), request=None, user=person.user)

    assert person.challenge.state == "granted"
