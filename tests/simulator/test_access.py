from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings
from requests import Response
from time_machine import Traveller

from tests.simulator.merchant import HOST, KEY, Merchant, session

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


def ask_for_token(**changes: str) -> Response:
    return session("").post(f"{HOST}/connect/token", data=CLIENT | changes)


def status_with(authorization: str) -> int:
    """200 would need a row: who is let in, finds nothing."""
    caller = session()
    caller.headers["Authorization"] = authorization
    return caller.get(f"{HOST}/face-authentications/fav_a").status_code


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_secret_key_lets_in(db: None, scheme: str) -> None:
    assert status_with(f"{scheme} {KEY}") == 404


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer sk_sbox_other", f"Basic {KEY}", KEY, "Bearer a:b:c"],
)
def test_anything_else_does_not(authorization: str) -> None:
    assert status_with(authorization) == 401


def test_who_is_not_let_in_is_told_nothing() -> None:
    answer = session("sk_sbox_other").post(f"{HOST}/face-authentications", data=b"{")

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["Cko-Request-Id"]


@override_settings(FACEAUTH_SECRET_KEY=None)
@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer None", f"Bearer {KEY}"])
def test_a_site_without_credentials_lets_nobody_in(authorization: str) -> None:
    assert status_with(authorization) == 401
    assert ask_for_token(client_id="", client_secret="").status_code == 401


@with_oauth
def test_client_credentials_give_a_token_that_lets_in(db: None) -> None:
    told = ask_for_token().json()

    assert told == {
        "access_token": told["access_token"],
        "expires_in": 3600,
        "token_type": "Bearer",
    }
    assert status_with(f"Bearer {told['access_token']}") == 404


@with_oauth
def test_a_token_ends_after_an_hour(db: None, clock: Traveller) -> None:
    token = ask_for_token().json()["access_token"]

    clock.shift(timedelta(hours=1, seconds=1))

    assert status_with(f"Bearer {token}") == 401


@with_oauth
def test_a_token_ends_with_its_client() -> None:
    token = ask_for_token().json()["access_token"]

    with override_settings(FACEAUTH_OAUTH_CLIENT_ID="ack_other"):
        assert status_with(f"Bearer {token}") == 401


@with_oauth
@pytest.mark.parametrize("changed", ["client_id", "client_secret"])
def test_another_client_gets_no_token(changed: str) -> None:
    answer = ask_for_token(**{changed: "other"})

    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client"}


@with_oauth
def test_another_grant_type_gets_no_token() -> None:
    answer = ask_for_token(grant_type="password")

    assert answer.status_code == 400
    assert answer.json() == {"error": "unsupported_grant_type"}


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False)
def test_outside_debug_there_is_no_simulator_unless_it_is_enabled(merchant: Merchant) -> None:
    for method, path in [
        ("POST", "face-authentications"),
        ("POST", "connect/token"),
        ("GET", "face-authentications/fav_a"),
        ("GET", "capture/token/"),
        ("GET", "assets/token/face.png"),
    ]:
        assert merchant.call(method, path).status_code == 404


@override_settings(FACEAUTH_SIMULATOR_ENABLED=False, DEBUG=True)
def test_debug_enables_the_simulator(merchant: Merchant) -> None:
    assert merchant.create()
