"""The site's `SECRET_KEY` is rotated while people show their faces (F-33)."""

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
    """Put a new key in front of the present one."""

    def rotate(number=1):
        former = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY_FALLBACKS = former
        settings.SECRET_KEY = f"another-key-that-is-long-enough-{number}"

    return rotate


@pytest.mark.parametrize("times", [1, 2])
def test_a_capture_ends_well(person, rotates, times):
    """The way back is found, and the grant counts (F-33)."""
    link = person.is_handed_over(person.is_asked())
    for number in range(times):
        rotates(number)

    back = person.returns(person.shows_face(link))
    person.clock.shift(3)

    assert person.waits(back).content.startswith(b"secret")
    assert FaceChallenge.objects.count() == 1


def test_a_question_stays_the_same(person, rotates):
    """F-33."""
    start = person.is_asked()
    rotates()
    assert person.is_asked() == start
    assert person.proves(start).content.startswith(b"secret")


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_grant_goes_on(person, rotates, is_seen):
    """Whether our cookie was there before or not (F-33)."""
    face_shown(person.browser)
    if is_seen:
        person.browser.get(GATE)
    rotates()

    for _ in range(3):
        assert person.browser.get(GATE).content.startswith(b"secret")


def test_a_grant_is_used_up_once(person, rotates):
    """F-33."""
    start = person.is_asked("/once/")
    rotates()
    assert person.proves(start).content.startswith(b"secret once")
    person.is_asked("/once/")


def test_a_phone_gets_through(person, rotates):
    """Its token is signed by a key of its own time; the same credential comes again (F-33)."""
    phone = Phone(person)
    phone.is_refused()
    rotates()
    phone.uses(AccessToken.for_user(person.user))
    assert phone.http.get("/shop/secret/", headers=phone.shows()).status_code == 200


def test_without_the_former_key_it_is_over(person, settings):
    """As for the session."""
    face_shown(person.browser)
    settings.SECRET_KEY = "another-key-that-is-long-enough"
    person.browser.force_login(person.user)
    person.is_asked()


def test_a_new_password_ends_it_all_the_same(person, rotates):
    """B-06."""
    face_shown(person.browser)
    rotates()
    person.user.set_password("another one")
    User.objects.filter(pk=person.user.pk).update(password=person.user.password)
    person.browser.force_login(person.user)
    person.is_asked()


def test_a_logout_ends_what_was_asked_before(person, rotates):
    """B-06, F-33."""
    face_shown(person.browser)
    rotates()
    logout(person.request())
    assert FaceChallenge.objects.get().state == "revoked"


def test_a_user_whose_session_hash_needs_no_key(person, rotates, monkeypatch):
    """A model may keep a stamp of its own (F-33)."""
    monkeypatch.setattr(User, "get_session_auth_hash", lambda user: f"stamp {user.pk}")
    person.browser.force_login(person.user)
    face_shown(person.browser)
    rotates()
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_an_open_gate_costs_no_more(person, rotates):
    """One statement, with former keys and without (F-33)."""
    face_shown(person.browser)
    person.browser.get(GATE)
    with CaptureQueriesContext(connection) as before:
        person.browser.get(GATE)
    rotates()
    person.browser.get(GATE)
    with CaptureQueriesContext(connection) as after:
        person.browser.get(GATE)
    assert len(after) == len(before)


def test_the_link_of_a_mail_is_good_for_its_week(person, rotates):
    """F-33."""
    face_shown(person.browser)
    token = signing.dumps(person.challenge.pk, salt=notifications.SALT)
    rotates()
    assert notifications.challenge_of(token) == person.challenge


def test_a_network_is_still_known(person, rotates, settings, django_capture_on_commit_callbacks):
    """No user is warned of a new network (F-33)."""
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
    """Its calls are counted on (F-33)."""
    provider_rate_limit.open_account()
    rotates()
    provider_rate_limit.open_account()
    assert ProviderRateLimit.objects.count() == 1
