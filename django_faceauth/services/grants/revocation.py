"""Taking back what was granted, and ending what was asked."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from django_faceauth import metrics
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.models.active_grants import Grant
from django_faceauth.models.challenge import FaceChallengeQuerySet
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import grants
from django_faceauth.signals import challenge_revoked

__all__ = ["end_all"]

logger = logging.getLogger(__name__)

State = FaceChallenge.State


def invalidate(challenge: FaceChallenge | Grant) -> None:
    """Make worthless what was approved for something else than what was to be done (T-2.6)."""
    if FaceChallenge.objects.filter(pk=challenge.pk).invalidate(reason="sequence_fail"):
        metrics.count("sequence_fail")
        logger.warning("sequence_fail challenge=%s", challenge.pk)


def end_session(request: HttpRequest, *, now: datetime) -> None:
    """End everything that was asked in a session that is about to end."""
    _end(grants.asked_in_session_of(grants.seat_of(request)), reason="logout", now=now)


def end_all(user_id: Any, *, reason: str, now: datetime) -> int:
    """End all questions and grants of a user, in every session; return how many there were.

    Call it within a transaction together with what made it necessary.
    """
    asked = FaceChallenge.objects.filter(user_id=user_id)
    ended = _end(asked, reason=reason, now=now)
    # What was declined before keeps its end, and cannot be answered in another way any more.
    asked.can_use_fallback().update(revoked_at=now)
    return ended


def revoke(authentication: FaceAuthentication, *, reason: str, now: datetime) -> int:
    """Take back what was granted on an authentication; return how many grants that were.

    What was used up cannot be taken back: it is told all the same, once (D-10).
    """
    challenges = FaceChallenge.objects.filter(authentication_id=authentication.pk)
    if not challenges.granted_once().exists():  # as nearly always
        return 0
    challenges.mark_revoked_after_use(reason=reason, now=now)
    return _take_back(challenges, reason=reason, now=now)


def _end(challenges: FaceChallengeQuerySet, *, reason: str, now: datetime) -> int:
    closed = challenges.close(State.EXPIRED, reason=reason)
    return closed + _take_back(challenges, reason=reason, now=now)


def _take_back(challenges: FaceChallengeQuerySet, *, reason: str, now: datetime) -> int:
    revoked = challenges.revoke(reason=reason, now=now)
    for challenge in challenges.filter(revoked_at=now, verified_at__isnull=False):
        _tell_of_revocation(challenge, reason)
    return revoked


def _tell_of_revocation(challenge: FaceChallenge, reason: str) -> None:
    metrics.count("challenge_revoked")
    was_used = challenge.session_rotated_at is not None or challenge.consumed_at is not None
    send_on_commit(
        challenge_revoked,
        sender=FaceChallenge,
        challenge=challenge,
        reason=reason,
        executed=(challenge.action,) if was_used else (),
    )
