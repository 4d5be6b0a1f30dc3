"""Access to the provider's API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from tests.simulator.merchant import HOST, KEY, session

CLIENT = {
    "grant_type": "client_credentials",
    "client_id": "ack_sandbox",
    "client_secret": "only-for-tests",
    "scope": "identity-verification",
}

with_oauth = override_settings(
    FACEAUTH_SECRET_KEY=None,
    FACEAUTH_OAUTH_CLIENT_ID=CLIENT["client_id"],
    FACEAUTH_OAUTH_CLIENT_SECRET=CLIENT["client_secret"],
)

CONTROLS = [
    ("GET", "control/deliveries"),
    ("POST", "control/deliveries/evt_a/resend"),
    ("POST", "control/deliver"),
    ("POST", "control/faults"),
    ("POST", "control/cases/fav_a/audit"),
    ("POST", "control/cases/fav_a/anonymize"),
    ("POST", "control/cases/fav_a/expire"),
]


def ask_for_token(**changes):
    return session("").post(f"{HOST}/connect/token", data=CLIENT | changes)


def status_with(authorization):
    """Return 404 with access: there is no such row."""
    caller = session()
    caller.headers["Authorization"] = authorization
    return caller.get(f"{HOST}/face-authentications/fav_a").status_code


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_secret_key_gives_access(db, scheme):
    assert status_with(f"{scheme} {KEY}") == 404


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer sk_sbox_other", f"Basic {KEY}", KEY, "Bearer a:b:c"],
)
def test_anything_else_is_an_empty_401(authorization):
    assert status_with(authorization) == 401
    for method, path in CONTROLS:
        assert session("sk_sbox_other").request(method, f"{HOST}/{path}").status_code == 401, path
    answer = session("sk_sbox_other").post(f"{HOST}/face-authentications", data=b"{")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["Cko-Request-Id"]


@override_settings(FACEAUTH_SECRET_KEY=None)
@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer None", f"Bearer {KEY}"])
def test_a_site_without_credentials_gives_no_access(authorization):
    assert status_with(authorization) == 401
    assert ask_for_token(client_id="", client_secret="").status_code == 401


@with_oauth
def test_client_credentials_give_a_token_for_an_hour(db, clock):
    shown = ask_for_token().json()
    token = shown["access_token"]

    assert shown == {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
    assert status_with(f"Bearer {token}") == 404
    with override_settings(FACEAUTH_OAUTH_CLIENT_ID="ack_other"):
        assert status_with(f"Bearer {token}") == 401
    clock.shift(timedelta(hours=1, seconds=1))
    assert status_with(f"Bearer {token}") == 401


@with_oauth
@pytest.mark.parametrize(
    ("scope", "workflows", "identities"),
    [
        ("identity-verification", 401, 404),
        ("flow", 404, 401),
        ("flow:workflows", 404, 401),
        ("identity-verification flow", 404, 404),
        ("flowers", 401, 401),
        ("", 401, 401),
    ],
)
def test_a_token_is_for_what_it_was_requested_for(db, scope, workflows, identities):
    caller = session(ask_for_token(scope=scope).json()["access_token"])

    assert caller.get(f"{HOST}/workflows/wf_a").status_code == workflows
    assert caller.get(f"{HOST}/face-authentications/fav_a").status_code == identities


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False)
def test_outside_debug_the_simulator_must_be_enabled(merchant):
    for method, path in [
        *CONTROLS,
        ("POST", "face-authentications"),
        ("POST", "connect/token"),
        ("GET", "face-authentications/fav_a"),
        ("GET", "capture/token/"),
        ("GET", "assets/token/face.png"),
        ("GET", ""),
        ("POST", ""),
    ]:
        assert merchant.call(method, path).status_code == 404, path


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False, DEBUG=True)
def test_debug_enables_the_simulator(merchant):
    assert merchant.create()
