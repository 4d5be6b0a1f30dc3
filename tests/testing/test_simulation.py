"""Whole face checks with the simulator in the provider's place."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.test import AsyncClient, Client, override_settings
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.models import AttemptRequest, Consent, FaceChallenge
from django_faceauth.testing import assert_face_asked, enrolled, face_shown, simulated


@pytest.fixture(autouse=True)
def _enrolled(user):
    enrolled(user)


def test_to_the_page_and_back(client, faceauth_simulator):
    with override_settings(FACEAUTH_CONSENT_VERSION="2026-11"):
        page = faceauth_simulator.show_face(client, "/statements/?year=2026")

    assert (page.status_code, page.content[:6]) == (200, b"secret")
    assert page.request["QUERY_STRING"] == "year=2026"
    assert AttemptRequest.objects.count() == 1
    assert Consent.objects.get().version == "2026-11"
    assert client.get("/statements/").status_code == 200


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("approved", "granted"),
        ("declined", "failed"),
        ("retry", "open"),
        ("left", "open"),
        ("refused", "refused"),
    ],
)
def test_every_end(client, faceauth_simulator, outcome, state):
    faceauth_simulator.show_face(client, "/statements/", outcome=outcome)

    assert FaceChallenge.objects.get().state == state
    assert (client.get("/statements/").status_code == 200) is (outcome == "approved")


@pytest.mark.parametrize(
    ("url", "settings", "address"),
    [
        ("/statements/", {}, "203.0.113.9"),
        ("/statements/", {"FACEAUTH_TRUSTED_PROXIES": 2}, "127.0.0.1"),
        ("/shop/secret/", {}, "127.0.0.1"),
        ("/shop/secret/", {"FACEAUTH_TRUSTED_PROXIES": 2}, "203.0.113.9"),
    ],
)
def test_networks(user, faceauth_simulator, url, settings, address):
    """The face is shown in the network of the client, unless a test wants a relay."""
    client = Client(REMOTE_ADDR=address)
    client.force_login(user)
    with override_settings(FACEAUTH_NETWORK_POLICY="deny", **settings):
        refused = faceauth_simulator.show_face(client, url, elsewhere=True)
        assert b"another network" in refused.content
        assert b"secret" in faceauth_simulator.show_face(client, url).content


def test_one_after_the_other(client, user, users, faceauth_simulator):
    """Of one user; the last outcome stays, and attempts need not wait for the next poll."""
    faceauth_simulator.decides(user, "retry", "declined")
    other, browser = users(), Client()
    browser.force_login(other)
    enrolled(other)

    for _ in range(3):
        assert b"secret" not in faceauth_simulator.show_face(client, "/statements/").content

    assert FaceChallenge.objects.filter(reason="declined").count() == 2
    assert b"secret" in faceauth_simulator.show_face(browser, "/statements/").content


def test_a_form_ends_at_the_button(client, payment, faceauth_simulator):
    address = f"/pay/{payment.pk}/"
    page = faceauth_simulator.show_face(client, address, method="post", data={"note": "rent"})
    payment.refresh_from_db()
    assert (page.status_code, payment.paid) == (200, 0)
    assert b"rent" in page.content

    done = faceauth_simulator.confirm(client, page)

    payment.refresh_from_db()
    assert (done.content, payment.paid, payment.note) == (b"paid face", 1, "rent")


def test_there_is_no_button(client, faceauth_simulator):
    page = faceauth_simulator.show_face(client, "/statements/")

    with pytest.raises(AssertionError, match="press the button"):
        faceauth_simulator.confirm(client, page)
    with pytest.raises(AssertionError, match="press the button"):
        faceauth_simulator.confirm(client, client.get("/no/such/page/"))


@pytest.mark.parametrize("kind", ["session", "token", "forced"])
def test_a_program(user, faceauth_simulator, kind):
    program = APIClient()
    if kind == "session":
        program.force_login(user)
    elif kind == "forced":
        program.force_authenticate(user)
    else:
        program.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")

    with override_settings(FACEAUTH_CONSENT_VERSION="2026-11"):
        answer = faceauth_simulator.show_face(
            program, "/shop/secret/", method="post", data={"a": 1}, format="json"
        )

    assert answer.json()["secret"] == "secret"
    assert Consent.objects.get().version == "2026-11"


def test_a_provider_that_is_away(client, faceauth_simulator):
    with faceauth_simulator.away():
        page = faceauth_simulator.show_face(client, "/statements/")
    assert page.status_code == 503

    assert b"secret" in faceauth_simulator.show_face(client, "/statements/").content


def test_a_site_behind_https(client, faceauth_simulator):
    given = {
        "MIDDLEWARE": ["django.middleware.security.SecurityMiddleware", *settings.MIDDLEWARE],
        "SECURE_SSL_REDIRECT": True,
    }
    with override_settings(**given):
        page = faceauth_simulator.show_face(client, "/statements/", secure=True)

    assert b"secret" in page.content


def test_what_cannot_be_shown_a_face(client, faceauth_simulator):
    with pytest.raises(AssertionError, match=r"\(200\) does not ask for a face"):
        faceauth_simulator.show_face(client, "/home/")
    with pytest.raises(AssertionError, match=r"\(302\) does not ask for a face"):
        faceauth_simulator.show_face(Client(), "/statements/")
    with pytest.raises(TypeError, match="sync client"):
        faceauth_simulator.show_face(AsyncClient(), "/statements/")


@pytest.mark.parametrize("way", ["shown", "walked"])
def test_the_provider_changes_its_mind(client, user, faceauth_simulator, way):
    if way == "shown":
        challenge = face_shown(client)
    else:
        faceauth_simulator.show_face(client, "/statements/")
        challenge = FaceChallenge.objects.get()
    assert client.get("/statements/").status_code == 200

    told = faceauth_simulator.changes_mind(challenge)

    challenge.refresh_from_db()
    assert (told.status_code, challenge.state) == (200, "revoked")
    assert_face_asked(client.get("/statements/"))


BARE = {
    "FACEAUTH_SECRET_KEY": "",
    "FACEAUTH_USER_JOURNEY_ID": "",
    "FACEAUTH_SIMULATOR_ENABLED": False,
    "FACEAUTH_BASE_URL": "http://127.0.0.1:8000/simulator",
    "FACEAUTH_CAPTURE_HOSTS": ["127.0.0.1:8000"],
    "FACEAUTH_OAUTH_CLIENT_ID": "cli",
    "FACEAUTH_OAUTH_CLIENT_SECRET": "of-the-real-account",
    "FACEAUTH_CLIENT_CERTIFICATE": "/no/such/file.pem",
}


def test_the_sites_own_account_does_not_matter(client, provider):
    """Neither a missing one nor a real one; nothing else is overridden, and all ends."""
    with override_settings(**BARE):
        with simulated() as simulation:
            assert b"secret" in simulation.show_face(client, "/statements/").content
            assert conf.MAX_AGE.total_seconds() == 300
        assert not conf.SIMULATOR_ENABLED
        face_shown(client, action="payout")
        assert client.get("/payout/").status_code == 200
    assert provider.calls == []


def test_a_site_without_the_simulator(client):
    installed = [one.name for one in apps.get_app_configs() if "simulator" not in one.name]
    with override_settings(INSTALLED_APPS=installed):
        face_shown(client)
        assert client.get("/statements/").status_code == 200
        with pytest.raises(ConfigurationError, match="INSTALLED_APPS"), simulated():
            pass
