"""A user who reports "this was not me" is signed out everywhere."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db.models.signals import pre_delete
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import (
    TokenRefreshSerializer,
    TokenRefreshSlidingSerializer,
)
from rest_framework_simplejwt.tokens import RefreshToken, SlidingToken

from django_faceauth.models import FaceExemption, Lockout
from django_faceauth.services import limits, notifications
from django_faceauth.services.review import user_reports
from django_faceauth.sign_out import sign_out
from django_faceauth.testing import exempted, face_shown
from tests.enrolment_driver import OFFERED, enrols
from tests.pages.test_report import link_in, reports

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

BACKENDS = "django.contrib.sessions.backends"


@pytest.fixture
def engine(request, settings, tmp_path):
    """The sessions of the site; before its users, who log in."""
    settings.SESSION_ENGINE = f"{BACKENDS}.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    return settings.SESSION_ENGINE


@pytest.fixture
def refuse_deletion():
    """A site that does not let some rows go."""
    receivers = []

    def make(model, pk):
        def refuse(sender, instance, **kwargs):
            if instance.pk == pk:
                raise RuntimeError("about Jane Doe")

        receivers.append((model, refuse))
        pre_delete.connect(refuse, sender=model)

    yield make
    for model, refuse in receivers:
        pre_delete.disconnect(refuse, sender=model)


def is_logged_in(browser):
    return browser.get("/home/").status_code == 200


def may_call(authorization):
    return Client().get("/shop/open/", headers={"authorization": authorization}).status_code == 200


def renews(refresh):
    """Ask for another access token, as a client of simplejwt's view does."""
    return TokenRefreshSerializer(data={"refresh": str(refresh)}).is_valid(raise_exception=True)


@pytest.mark.usefixtures("signs_out")
@pytest.mark.parametrize("engine", ["db", "cached_db"], indirect=True)
def test_the_button_behind_the_mail_logs_the_thief_out(engine, people, settings):
    """And the user; other users and anonymous visitors keep their sessions."""
    settings.FACEAUTH_NOTICES = True
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    alice, bob = people(email="alice@example.com"), people()
    owner, thief, visitor = alice.browser, alice.new_browser(), Client()
    visitor_session = visitor.session
    visitor_session["basket"] = [1]
    visitor_session.save()
    alice.browser = thief
    alice.passes()
    assert all(map(is_logged_in, [owner, thief, bob.browser]))

    [message] = mail.outbox
    assertTemplateUsed(reports(link_in(message)), "faceauth/reported.html")

    assert not is_logged_in(thief)
    assert not is_logged_in(owner)
    assert is_logged_in(bob.browser)
    assert visitor.session["basket"] == [1]


@pytest.mark.usefixtures("signs_out")
@pytest.mark.parametrize("is_always_saved", [False, True])
def test_a_user_who_presses_the_button_while_logged_in(person, settings, is_always_saved):
    settings.SESSION_SAVE_EVERY_REQUEST = is_always_saved
    settings.FACEAUTH_SITE_URL = "https://testserver"
    person.passes()
    link = notifications.link_to_report(person.challenge)

    answer = person.browser.post(link, follow=True)

    assertTemplateUsed(answer, "faceauth/reported.html")
    assert not is_logged_in(person.browser)


@pytest.mark.usefixtures("signs_out")
def test_a_reported_enrolment(people, settings):
    for name, value in OFFERED.items():
        setattr(settings, name, value)
    erin = people(None)

    user_reports.report(enrols(erin), now=timezone.now())

    assert not is_logged_in(erin.browser)


@pytest.mark.usefixtures("signs_out")
@pytest.mark.parametrize("reason", [Lockout.Reason.DECLINED, Lockout.Reason.REVIEWED])
def test_other_lockouts_end_nothing(person, reason):
    token = Token.objects.create(user=person.user)
    now = timezone.now()

    limits.lock(person.user.pk, reason=reason, until=now + timedelta(hours=1), now=now)

    assert is_logged_in(person.browser)
    assert may_call(f"Token {token.key}")


def test_an_exemption_ends(person):
    row = exempted(person.user)

    assert sign_out(person.user) == ()

    assert FaceExemption.objects.get(pk=row.pk).revoked_at == timezone.now()


def test_tokens_end_and_access_tokens_expire(people):
    alice, bob = people(), people()
    keys = [Token.objects.create(user=one.user).key for one in (alice, bob)]
    refreshes = [RefreshToken.for_user(one.user) for one in (alice, alice, bob)]
    refreshes[0].blacklist()
    access = refreshes[1].access_token

    assert sign_out(alice.user) == ()

    assert [may_call(f"Token {key}") for key in keys] == [False, True]
    for refresh in refreshes[:2]:
        with pytest.raises(TokenError, match="blacklisted"):
            renews(refresh)
    assert renews(refreshes[2])
    assert may_call(f"Bearer {access}")
    alice.clock.shift(access.lifetime)
    assert not may_call(f"Bearer {access}")
    assert sign_out(alice.user) == ()


def test_a_sliding_token_that_was_refreshed_ends(person):
    """It keeps its number, so its row says that it has expired."""
    first = SlidingToken.for_user(person.user)
    person.clock.shift(first.lifetime - timedelta(minutes=1))
    renewal = TokenRefreshSlidingSerializer(data={"token": str(first)})
    renewal.is_valid(raise_exception=True)
    person.clock.shift(timedelta(minutes=2))
    token = renewal.validated_data["token"]
    assert SlidingToken(token)

    assert sign_out(person.user) == ()

    with pytest.raises(TokenError, match="blacklisted"):
        SlidingToken(token)


def test_the_last_of_many_sessions_ends(person):
    store = import_module(f"{BACKENDS}.db").SessionStore()
    anonymous, tomorrow = store.encode({}), timezone.now() + timedelta(days=1)
    Session.objects.bulk_create(
        Session(session_key=f"{number:032}", session_data=anonymous, expire_date=tomorrow)
        for number in range(2001)
    )

    assert sign_out(person.user) == ()

    assert not is_logged_in(person.browser)
    assert Session.objects.count() == 2001


@pytest.mark.parametrize("engine", ["cache", "file", "signed_cookies"], indirect=True)
def test_sessions_that_cannot_be_searched_are_named(engine, person, caplog):
    """And logged for the operator; the tokens end all the same."""
    face_shown(person.browser)
    token = Token.objects.create(user=person.user)

    assert sign_out(person.user) == (engine,)

    assert is_logged_in(person.browser)
    assert not may_call(f"Token {token.key}")
    [record] = [one for one in caplog.records if one.name == "django_faceauth.sign_out"]
    assert record.levelname == "CRITICAL"
    assert f"{engine} user={person.user.pk} " in record.getMessage()


@pytest.mark.parametrize(
    ("data", "left"), [("corrupt", ()), ([], ("django.contrib.sessions.backends.db",))]
)
def test_a_session_that_cannot_be_read_saves_no_other(person, data, left):
    """Django takes a corrupt one for an empty one; others might be the user's."""
    if data == []:
        data = import_module(f"{BACKENDS}.db").SessionStore().encode(data)
    tomorrow = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key="0" * 32, session_data=data, expire_date=tomorrow)

    assert sign_out(person.user) == left

    assert not is_logged_in(person.browser)


def test_rows_that_stay_save_no_others(person, refuse_deletion, caplog):
    """The texts of errors, which may contain personal data, are not logged."""
    thief = person.new_browser()
    first, last = sorted([person.browser, thief], key=lambda browser: browser.session.session_key)
    token = Token.objects.create(user=person.user)
    refresh = RefreshToken.for_user(person.user)
    refuse_deletion(Session, first.session.session_key)
    refuse_deletion(Token, token.pk)

    assert sign_out(person.user) == (f"{BACKENDS}.db", "rest_framework.authtoken")

    assert is_logged_in(first)
    assert not is_logged_in(last)
    with pytest.raises(TokenError, match="blacklisted"):
        renews(refresh)
    assert "cause=RuntimeError" in caplog.text
    assert "Jane Doe" not in caplog.text
    assert first.session.session_key not in caplog.text
