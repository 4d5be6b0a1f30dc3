"""The user and the session of a grant."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import mail, signing
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from django_faceauth.models import FaceAttempt, FaceChallenge, ProviderRateLimit
from django_faceauth.services import notifications
from django_faceauth.services.grants import identity
from django_faceauth.testing import face_shown

pytestmark = pytest.mark.database

GATE = "/statements/"


def test_a_grant_survives_a_new_session_key_and_signals_of_other_tools(person):
    """B-05; signals may come without a session. A secret that is no text is none."""
    person.passes(GATE)
    session = person.browser.session
    session.cycle_key()
    person.browser.cookies["sessionid"] = session.session_key
    for request in (None, RequestFactory().get("/")):
        user_logged_in.send(sender=type(person.user), request=request, user=person.user)
    user_logged_out.send(sender=type(person.user), request=None, user=person.user)
    assert person.browser.get(GATE).status_code == 200

    session[identity.SESSION_KEY] = {"not": "a text"}
    session.save()
    assert person.browser.get(f"/face/waiting/{person.challenge.handle}/").status_code == 404


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


def test_a_login_or_the_first_challenge_gives_the_session_its_secret(person):
    """The second for sessions from before the package was installed."""
    session = person.browser.session
    assert session[identity.SESSION_KEY]
    del session[identity.SESSION_KEY]
    session.save()

    assert person.passes(GATE).content.startswith(b"secret")


# -- rotation of the site's `SECRET_KEY` while users show their faces (F-33)


@pytest.fixture
def rotates(settings):
    """Replace the key and keep the former one as a fallback."""

    def rotate(number=1):
        former = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY_FALLBACKS = former
        settings.SECRET_KEY = f"another-key-that-is-long-enough-{number}"

    return rotate


@pytest.mark.parametrize("times", [1, 2])
def test_a_capture_in_progress_ends_well(person, rotates, times):
    """The challenge stays the same, and a single use counts once (F-33)."""
    start = person.is_asked("/once/")
    rotates(3)
    assert person.is_asked("/once/") == start
    link = person.is_handed_over(start)
    for number in range(times):
        rotates(number)

    back = person.returns(person.shows_face(link))
    person.clock.shift(3)

    assert person.waits(back).content.startswith(b"secret once")
    person.is_asked("/once/")
    assert FaceChallenge.objects.count() == 2


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_grant_goes_on_at_the_same_cost(person, rotates, is_seen):
    """With the face cookie and without; one query, also with former keys (F-33)."""
    face_shown(person.browser)
    if is_seen:
        person.browser.get(GATE)
    rotates()

    for _ in range(2):
        assert person.browser.get(GATE).content.startswith(b"secret")
    with CaptureQueriesContext(connection) as queries:
        person.browser.get(GATE)
    assert len(queries) == 3  # session, user, grant


def test_a_new_password_or_a_logout_ends_the_grant(people, rotates):
    """B-06, F-33."""
    person, other = people(), people()
    face_shown(person.browser)
    face_shown(other.browser)
    rotates()

    person.user.set_password("another one")
    User.objects.filter(pk=person.user.pk).update(password=person.user.password)
    person.browser.force_login(person.user)
    person.is_asked()
    logout(other.request())
    assert other.challenge.state == "revoked"


def test_without_the_former_key_the_grant_ends(person, settings):
    face_shown(person.browser)
    settings.SECRET_KEY = "another-key-that-is-long-enough"
    person.browser.force_login(person.user)
    person.is_asked()


def test_a_user_whose_session_hash_needs_no_key(person, rotates, monkeypatch):
    """F-33."""
    monkeypatch.setattr(User, "get_session_auth_hash", lambda user: f"stamp {user.pk}")
    person.browser.force_login(person.user)
    face_shown(person.browser)
    rotates()
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_links_of_mails_networks_and_the_account_at_the_provider_stay_known(
    person, rotates, settings, django_capture_on_commit_callbacks
):
    """There is no warning of a new network, and calls are counted further (F-33)."""
    settings.FACEAUTH_NOTICES = True
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    person.user.email = "anna@bank.example"
    person.user.save()
    person.passes()
    token = signing.dumps(person.challenge.pk, salt=notifications.SALTS[FaceChallenge])
    rotates()
    assert notifications.subject_of(token) == person.challenge
    person.clock.shift(3600)

    with django_capture_on_commit_callbacks(execute=True):
        person.passes()

    assert len(set(FaceAttempt.objects.values_list("network", flat=True))) == 1
    assert len(mail.outbox) == 1  # the notice of the grant
    assert ProviderRateLimit.objects.count() == 1
