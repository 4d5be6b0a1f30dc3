"""Signed tokens for the links to capture pages and pictures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.core.signing import BadSignature, Signer, TimestampSigner

from django_faceauth.simulator.state_machine import Unknown

CAPTURE: Final = "faceauth_simulator.capture"
PICTURE: Final = "faceauth_simulator.picture"
PICTURE_LIFETIME: Final = timedelta(minutes=15)


def capture_token(case_id: str, attempt_id: str) -> str:
    """Return the token of a capture page; it is always the same for an attempt."""
    return Signer(salt=CAPTURE).sign_object([case_id, attempt_id])


def read_capture_token(token: str) -> tuple[str, str]:
    """Return the ids of the case and the attempt, or raise `Unknown`."""
    return _ids(Signer(salt=CAPTURE), token)


def picture_token(case_id: str, attempt_id: str) -> str:
    """Return a token of a picture; it expires."""
    return TimestampSigner(salt=PICTURE).sign_object([case_id, attempt_id])


def read_picture_token(token: str) -> tuple[str, str]:
    """Return the ids of the case and the attempt, or raise `Unknown`."""
    return _ids(TimestampSigner(salt=PICTURE), token, max_age=PICTURE_LIFETIME)


def _ids(signer: Signer, token: str, **limits: Any) -> tuple[str, str]:
    try:
        case_id, attempt_id = signer.unsign_object(token, **limits)
    except BadSignature:
        raise Unknown from None
    return case_id, attempt_id
