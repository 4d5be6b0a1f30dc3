"""The gate in front of every kind of view."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.test import AsyncClient, override_settings
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.conf import Conf
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.grants import grants, revocation

pytestmark = pytest.mark.database

DEFAULT_ACTION = [
    "/statements/",
    "/called/",
    "/partial/",
    "/async/",
    "/documents/",
    "/documents/async/",
    "/late/",
    "/decorated/",
    "/decorated/async/",
    "/wrapped/async/",
    "/stream/",
]


def body(response):
    content = b"".join(response) if response.streaming else response.content
    return content.decode()


@pytest.mark.parametrize("path", DEFAULT_ACTION)
def test_every_kind_of_view_is_closed_until_a_face_was_shown(client, person, provider, path):
    """Under WSGI and ASGI; anonymous users log in first (G-02, G-08, G-15).

    Caches keep no response behind a gate (F-06).
    """
    login = client.get("/home/")["Location"]
    assert client.get(path)["Location"] == login.replace("/home/", path)
    assert provider.calls == []
    assert FaceChallenge.objects.count() == 0

    browser = AsyncClient()
    browser.cookies = person.browser.cookies
    person.is_asked(path)
    assert "/face/start/" in async_to_sync(browser.get)(path)["Location"]
    person.passes("/statements/")

    response = person.browser.get(path)

    assert body(response).startswith("secret")
    for answer in (response, person.browser.get(path), async_to_sync(browser.get)(path)):
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("path", DEFAULT_ACTION)
def test_no_method_gets_around_the_gate(person, path):
    """Neither HEAD and OPTIONS nor methods that the view does not have (G-15)."""
    for method in ("head", "options", "post", "put", "patch", "delete"):
        response = getattr(person.browser, method)(path)

        where = response.get("Location") or response.json()["start_url"]
        assert response.status_code in {302, 401}, method
        assert where.endswith(f"/face/start/{person.challenge.handle}/"), method


def test_the_gate_comes_after_the_permission(person):
    """Users without it get the same response with and without the gate (G-08)."""
    gated = person.browser.get("/staff/")
    ungated = person.browser.get("/staff-without-gate/")
    assert (gated.status_code, gated.content) == (ungated.status_code, ungated.content)
    assert gated.status_code == 403

    person.user.user_permissions.add(Permission.objects.get(codename="change_user"))
    person.is_asked("/staff/")


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_a_user_who_is_not_enrolled_is_refused(people, provider, method):
    """Without a call of the provider (G-02)."""
    response = getattr(people(None).browser, method)("/statements/")

    assert response.status_code == 403
    assert provider.calls == []


@override_settings(FACEAUTH_FALLBACK="/by-phone/?t=face")
def test_a_user_who_is_not_enrolled_is_shown_the_fallback(people):
    response = people(None).browser.get("/statements/")

    assert response.status_code == 403
    assertTemplateUsed(response, "faceauth/denied.html")
    handle = FaceChallenge.objects.get().handle
    assert f'href="/by-phone/?t=face&amp;challenge={handle}"' in response.content.decode()


def test_an_inactive_user_is_refused_in_spite_of_a_grant(people, settings, provider):
    """Without a call of the provider or another challenge (G-02, G-11)."""
    settings.FACEAUTH_FALLBACK = "/by-phone/"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    person = people()
    person.passes("/statements/")
    person.user.is_active = False
    person.user.save()
    calls = len(provider.calls)

    response = person.browser.get("/statements/")

    assert response.status_code == 403
    assert b'href="/by-phone/"' in response.content
    assert len(provider.calls) == calls
    assert FaceChallenge.objects.count() == 1


def test_a_face_is_fresh_for_max_age_from_its_anchor(person, clock):
    """To the second, by the server; five minutes by default (G-04, G-06, G-14)."""
    person.passes("/statements/")
    anchor = person.challenge.verified_at

    clock.move_to(anchor - timedelta(seconds=61))
    person.is_asked("/statements/")
    clock.move_to(anchor + timedelta(seconds=299.9))
    expires_at = (anchor + timedelta(seconds=300)).isoformat()
    assert body(person.browser.get("/statements/")) == f"secret |{expires_at}"
    clock.move_to(anchor + timedelta(seconds=300))
    person.is_asked("/statements/")


@override_settings(FACEAUTH_MAX_AGE=60)
def test_the_setting_is_read_late(person, clock):
    """A changed setting holds for the next request (G-14)."""
    person.passes("/statements/")
    clock.shift(30)
    assert person.browser.get("/statements/").status_code == 200

    with override_settings(FACEAUTH_MAX_AGE=20):
        person.is_asked("/statements/")


@pytest.mark.parametrize("path", ["/statements/", "/async/", "/documents/"])
def test_a_fresh_gate_asks_the_database_and_its_setting_once(
    person, django_assert_num_queries, monkeypatch, path
):
    """Session and user are Django's own two queries; the gate adds one."""
    reads = []
    read = vars(Conf)["MAX_AGE"].__get__
    counting = property(lambda conf: reads.append(1) or read(conf, Conf))
    monkeypatch.setattr(Conf, "MAX_AGE", counting)
    person.browser.get(path)
    assert reads == [1]
    person.passes("/statements/")
    person.browser.get(path)
    reads.clear()

    with django_assert_num_queries(3):
        person.browser.get(path)

    assert reads == [1]


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda challenge, clock: clock.shift(300), "stale"),
        (lambda challenge, clock: revocation.invalidate(challenge), "changed"),
        (lambda challenge, clock: FaceAuthentication.objects.update(status=""), "superseded"),
    ],
)
def test_a_new_challenge_says_what_became_of_the_last_grant(person, clock, happens, reason):
    """That is the newest grant for the action (L-01)."""
    person.passes("/statements/")
    grants.consume(person.challenge, timedelta(minutes=5), now=timezone.now())
    person.passes("/statements/")
    happens(person.challenge, clock)
    person.is_asked("/payout/")
    assert person.challenge.reason == "not_shown"

    person.is_asked("/statements/")

    assert person.challenge.reason == reason


@pytest.mark.parametrize(
    "invalid", [{"FACEAUTH_MAX_AGE": "soon"}, {"FACEAUTH_NETWORK_POLICY": "refuse"}], ids=str
)
def test_an_invalid_setting_opens_no_gate(person, invalid):
    """G-01."""
    person.passes("/statements/")
    person.browser.raise_request_exception = False

    with override_settings(**invalid):
        assert person.browser.get("/statements/").status_code == 500


def test_a_grant_is_for_one_user_in_one_browser(people):
    """B-04, TH-01."""
    alice, bob = people(), people()
    alice.passes("/statements/")

    assert "/face/start/" in alice.new_browser().get("/statements/")["Location"]
    bob.is_asked("/statements/")
    alice.browser.force_login(bob.user)
    bob.browser = alice.browser
    bob.is_asked("/statements/")


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_every_session_engine_carries_the_grant(people, settings, engine, tmp_path):
    """The session holds the binding, and logging out ends it (B-05)."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    person = people()

    assert person.passes("/statements/").content.startswith(b"secret")
    person.browser.logout()
    person.browser.force_login(person.user)
    person.is_asked("/statements/")
