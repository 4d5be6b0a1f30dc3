"""Claims about the face for tokens that a site issues (G-09)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from django_faceauth.gate import Face, Reason, claims_of, recorded_face
from tests.conftest import NOON

SHOWN = datetime(2026, 3, 1, 11, 58, 30, 999_999, tzinfo=UTC)


def face(**changes):
    facts = {
        "verified_at": SHOWN,
        "expires_at": SHOWN + timedelta(minutes=5),
        "action": "payout",
        "challenge": "handle",
    }
    return Face(**(facts | changes))


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_claims_say_when_and_how_and_nothing_about_the_user(hours):
    """In whole seconds, whatever the time zone (OpenID Connect Core 1.0, section 2)."""
    shown = face(verified_at=SHOWN.astimezone(timezone.get_fixed_timezone(hours * 60)))
    expected = {"auth_time": int(SHOWN.timestamp()), "acr": "face", "amr": ["face"]}

    assert claims_of(shown) == expected
    assert type(claims_of(shown)["auth_time"]) is int
    with override_settings(FACEAUTH_ACR="urn:bank.example:face"):
        assert claims_of(shown) == {**expected, "acr": "urn:bank.example:face"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ["face"]),
        (["pwd"], ["pwd", "face"]),
        (("otp", "pwd"), ["otp", "pwd", "face"]),
        (["face", "pwd"], ["face", "pwd"]),
        (["pwd", "face", "face", "pwd"], ["pwd", "face"]),
    ],
)
def test_amr_names_the_face_once_after_the_methods_of_the_login(before, after):
    """RFC 8176."""
    assert claims_of(face(), amr=before)["amr"] == after


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("exemption", Reason.EXEMPT),
        ("code", Reason.OTHER_METHOD),
        ("Face", Reason.OTHER_METHOD),
    ],
)
def test_another_method_makes_no_claim(method, reason):
    """A token must not say more than was done (G-09)."""
    with pytest.raises(ValueError, match="is not a face"):
        claims_of(face(method=method, reason=reason))


def issue(person, shown):
    """Return the refresh token of a user who logged in with a password and showed a face."""
    token = RefreshToken.for_user(person.user)
    token.payload.update(claims_of(shown, amr=["pwd"]))
    return token


def claims_in(token):
    return {name: token.payload.get(name) for name in ("auth_time", "acr", "amr")}


@pytest.mark.parametrize("rotates", [False, True])
def test_a_renewed_token_has_the_claims_of_the_first_one(person, monkeypatch, rotates):
    """The anchor of the face, whatever has passed since (G-04, G-09)."""
    monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", rotates)
    person.passes("/payout/")
    challenge = person.challenge
    person.clock.shift(60)
    shown = recorded_face(person.user, challenge.handle, action="payout", max_age=180)
    refresh = issue(person, shown)
    expected = {
        "auth_time": int(challenge.verified_at.timestamp()),
        "acr": "face",
        "amr": ["pwd", "face"],
    }
    assert claims_in(refresh.access_token) == expected
    assert expected["auth_time"] < int(challenge.granted_at.timestamp())

    for _ in range(3):
        person.clock.shift(3600)
        renewal = TokenRefreshSerializer(data={"refresh": str(refresh)})
        renewal.is_valid(raise_exception=True)
        refresh = RefreshToken(renewal.validated_data.get("refresh", str(refresh)))
        renewed = AccessToken(renewal.validated_data["access"])
        assert claims_in(renewed) == claims_in(refresh) == expected
        assert renewed["iat"] > NOON.timestamp()


def test_claims_open_no_gate(person):
    """They are for other services; this site asks its own database (T-2.1)."""
    access = issue(person, face()).access_token
    client = APIClient(headers={"Authorization": f"Bearer {access}"})

    assert client.get("/shop/secret/").status_code == 401
