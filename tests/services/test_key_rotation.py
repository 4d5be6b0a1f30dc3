"""Rotation of the site's `SECRET_KEY` while users show their faces (F-33)."""

from __future__ import annotations

import pytest
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.core import mail, signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework_simplejwt.tokens import AccessToken

from django_faceauth.models import FaceAttempt, FaceChallenge, ProviderRateLimit
from django_faceauth.services import notifications
from django_faceauth.services.sync import provider_rate_limit
from django_faceauth.testing import face_shown
from tests.mobile_driver import Phone

pytestmark = pytest.mark.database

GATE = "/statements/"


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


def test_a_client_with_a_token_passes(person, rotates):
    """Another token of the same credential, signed by the new key (F-33)."""
    phone = Phone(person)
    phone.is_refused()
    rotates()
    phone.uses(AccessToken.for_user(person.user))
    assert phone.http.get("/shop/secret/", headers=phone.shows()).status_code == 200


def test_without_the_former_key_the_grant_ends(person, settings):
    face_shown(person.browser)
    settings.SECRET_KEY = "another-key-that-is-long-enough"
    person.browser.force_login(person.user)
    person.is_asked()


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


def test_a_user_whose_session_hash_needs_no_key(person, rotates, monkeypatch):
    """F-33."""
    monkeypatch.setattr(User, "get_session_auth_hash", lambda user: f"stamp {user.pk}")
    person.browser.force_login(person.user)
    face_shown(person.browser)
    rotates()
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_the_link_of_a_mail_stays_valid(person, rotates):
    """F-33."""
    face_shown(person.browser)
    token = signing.dumps(person.challenge.pk, salt=notifications.SALT)
    rotates()
    assert notifications.challenge_of(token) == person.challenge


def test_a_known_network_stays_known(person, rotates, settings, django_capture_on_commit_callbacks):
    """There is no warning of a new one (F-33)."""
    settings.FACEAUTH_NOTICES = True
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    person.user.email = "anna@bank.example"
    person.user.save()
    person.passes()
    rotates()
    person.clock.shift(3600)

    with django_capture_on_commit_callbacks(execute=True):
        person.passes()

    assert len(set(FaceAttempt.objects.values_list("network", flat=True))) == 1
    assert len(mail.outbox) == 1  # the notice of the grant


def test_the_account_at_the_provider_stays_the_same(db, rotates):
    """Its calls are counted further (F-33)."""
    provider_rate_limit.open_account()
    rotates()
    provider_rate_limit.open_account()
    assert ProviderRateLimit.objects.count() == 1
