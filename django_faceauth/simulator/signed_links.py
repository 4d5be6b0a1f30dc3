"""Signed tokens in the addresses that browsers are given; each stands for one attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.core.signing import BadSignature, Signer, TimestampSigner

from django_faceauth.simulator.state_machine import Unknown

PICTURE_LIFETIME: Final = timedelta(minutes=15)


def capture_token(case_id: str, attempt_id: str) -> str:
    """Return the token of a capture page, always the same: the machine knows when it ends."""
    return _capture_signer().sign_object([case_id, attempt_id])


def read_capture_token(token: str) -> tuple[str, str]:
    """Return the ids of the case and the attempt, or raise `Unknown`."""
    return _ids(_capture_signer(), token)


def picture_token(case_id: str, attempt_id: str) -> str:
    """Return a short-lived token of a picture."""
    return _picture_signer().sign_object([case_id, attempt_id])


def read_picture_token(token: str) -> tuple[str, str]:
    """Return the ids of the case and the attempt, or raise `Unknown`."""
    return _ids(_picture_signer(), token, max_age=PICTURE_LIFETIME)


def _ids(signer: Signer, token: str, **limits: Any) -> tuple[str, str]:
    try:
        case_id, attempt_id = signer.unsign_object(token, **limits)
    except BadSignature:
        raise Unknown from None
    return case_id, attempt_id


def _capture_signer() -> Signer:
    return Signer(salt="faceauth_simulator.capture")


def _picture_signer() -> TimestampSigner:
    return TimestampSigner(salt="faceauth_simulator.picture")
