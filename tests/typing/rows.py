"""What rows hold: read by mypy, whose plugin knows the columns of a model. Pyright does not."""

from __future__ import annotations

from datetime import datetime
from typing import assert_type

from django.db.models import QuerySet

from django_faceauth.models import FaceAuthentication, FaceChallenge


def reads(challenge: FaceChallenge, authentication: FaceAuthentication) -> None:
    assert_type(challenge.handle, str)
    assert_type(challenge.action, str)
    assert_type(challenge.verified_at, datetime | None)
    assert_type(authentication.status, str)
    assert_type(authentication.provider_id, str | None)
    assert_type(authentication.codes, list[int])
    challenge.hanlde  # type: ignore[attr-defined]  # noqa: B018


def asks() -> QuerySet[FaceChallenge]:
    FaceChallenge.objects.filter(colour="blue")  # type: ignore[misc]
    return FaceChallenge.objects.filter(action="payout")
