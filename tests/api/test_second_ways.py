"""Clients of the API that answer by a code."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_faceauth.models import FaceChallenge
from tests.api_client import KINDS
from tests.pages.test_second_ways import KITS, WRONG, code_of, set_up

SECRET = "/shop/secret/"
OTP = KITS["otp"]


@pytest.fixture(autouse=True)
def offered(settings):
    settings.FACEAUTH_SECOND_WAYS = ["passkey", "totp", "recovery_code"]


@pytest.fixture
def token(person):
    return KINDS["token"](person)


def answers(program, code, way="totp", handle=""):
    handle = handle or program.person.challenge.handle
    body = {"way": way, "code": code}
    return program.sends("POST", f"/face/api/challenges/{handle}/ways/", body)


@pytest.mark.parametrize("way", ["totp", "recovery_code"])
@pytest.mark.parametrize("kit", KITS.values(), ids=KITS)
def test_a_client_passes_with_a_code(program, kit, way):
    set_up(kit, way, program.person)
    asked = program.is_asked(SECRET)
    assert asked["ways"] == [way]

    answer = answers(program, code_of(kit, way, program.person), way, asked["challenge"])

    assert (answer.status_code, answer.content) == (204, b"")
    told = program.sends("GET", asked["status_url"]).json()
    assert (told["state"], told["next"]) == ("granted", "repeat")
    assert program.sends("GET", SECRET, handle=asked["challenge"]).status_code == 200
    row = program.person.challenge
    assert (row.method, row.verified_at) == (way, timezone.now())


def test_the_page_is_named_to_clients_with_a_session_alone(program, settings):
    settings.FACEAUTH_FALLBACK = "by-code"
    asked = program.is_asked(SECRET)
    assert asked["ways"] == []
    fallback = f"http://testserver/by-code/?challenge={asked['challenge']}"
    assert asked["fallback_url"] == fallback
    set_up(OTP, "totp", program.person)

    asked = program.is_asked(SECRET)
    told = program.sends("GET", asked["status_url"]).json()

    page = f"http://testserver/face/ways/{asked['challenge']}/"
    fallback = f"http://testserver/by-code/?challenge={asked['challenge']}"
    expected = fallback if program.headers else page
    assert asked["fallback_url"] == told["fallback_url"] == expected
    assert told["ways"] == ["totp"]


def test_without_the_setting_nothing_changes(program, settings):
    settings.FACEAUTH_SECOND_WAYS = []
    set_up(OTP, "totp", program.person)

    asked = program.is_asked(SECRET)
    told = program.sends("GET", asked["status_url"]).json()

    assert not {"ways", "fallback_url"} & asked.keys()
    assert "ways" not in told
    assert told["fallback_url"] is None
    assert answers(program, code_of(OTP, "totp", program.person)).status_code == 409


@pytest.mark.parametrize("kind", KINDS)
def test_a_user_who_is_not_enrolled(people, kind):
    stranger = KINDS[kind](people(None))
    refused = stranger.sends("GET", SECRET)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_enrolled")
    assert "challenge" not in refused.json()
    set_up(OTP, "totp", stranger.person)

    refused = stranger.sends("GET", SECRET).json()
    assert refused["ways"] == ["totp"]
    answer = answers(stranger, code_of(OTP, "totp", stranger.person), "totp", refused["challenge"])

    assert answer.status_code == 204
    assert stranger.sends("GET", SECRET, handle=refused["challenge"]).status_code == 200


def test_a_wrong_code_and_a_locked_way(program):
    set_up(OTP, "totp", program.person)
    handle = program.is_asked(SECRET)["challenge"]

    wrong = answers(program, WRONG, handle=handle)
    locked = answers(program, code_of(OTP, "totp", program.person), handle=handle)

    assert (wrong.status_code, wrong.json()["code"]) == (400, "wrong_code")
    assert (locked.status_code, locked.json()["code"]) == (429, "locked")
    assert WRONG not in wrong.content.decode()
    assert FaceChallenge.objects.get(handle=handle).is_open


def test_an_odd_code_or_way(token):
    set_up(OTP, "totp", token.person)
    handle = token.is_asked(SECRET)["challenge"]

    for code in ("", "\0", "9" * 10_000, None, 123456, ["1"], {"a": 1}):
        assert answers(token, code, handle=handle).status_code == 400, code
    for way in ("face", "passkey", "exemption", "", None, "\0"):
        answer = answers(token, code_of(OTP, "totp", token.person), way, handle)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), way


def test_a_challenge_that_cannot_be_answered_by_a_code(token):
    set_up(OTP, "totp", token.person)
    handle = token.is_asked(SECRET)["challenge"]
    FaceChallenge.objects.update(accept=["face"])

    told = token.sends("GET", f"/face/api/challenges/{handle}/").json()
    answer = answers(token, code_of(OTP, "totp", token.person), handle=handle)

    assert (told["ways"], told["fallback_url"]) == ([], None)
    assert (answer.status_code, answer.json()["code"]) == (409, "closed")


def test_the_challenge_of_another_client_or_user(people, token):
    set_up(OTP, "totp", token.person)
    handle = token.is_asked(SECRET)["challenge"]
    code = code_of(OTP, "totp", token.person)

    for other in (KINDS["token"](people()), KINDS["jwt"](token.person)):
        assert answers(other, code, handle=handle).status_code == 404
    assert answers(token, code, handle=handle).status_code == 204
