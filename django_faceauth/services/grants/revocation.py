"""Revoke grants and close challenges."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from django_faceauth import metrics
from django_faceauth.models import FaceAuthentication, FaceChallenge, IdentityVerification
from django_faceauth.models.active_grants import Grant
from django_faceauth.models.challenge import FaceChallengeQuerySet
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import grants, identity
from django_faceauth.signals import challenge_revoked

__all__ = ["end_all"]

logger = logging.getLogger(__name__)

State = FaceChallenge.State


def invalidate(challenge: FaceChallenge | Grant) -> None:
    """Invalidate an approval that was used for something else."""
    if FaceChallenge.objects.filter(pk=challenge.pk).invalidate(reason="sequence_fail"):
        metrics.count("sequence_fail")
        logger.warning("sequence_fail challenge=%s", challenge.pk)


def end_session(request: HttpRequest, *, now: datetime) -> None:
    """End all challenges and grants of a session before a log-out."""
    _end(grants.asked_in_session_of(identity.principal_of(request)), reason="logout", now=now)


def end_all(user_id: Any, *, reason: str, now: datetime) -> int:
    """End all challenges and grants of a user in every session; return how many there were.

    An enrolment under way ends, too: a thief may have begun it. Call it in one transaction with
    the change that made it necessary.
    """
    asked = FaceChallenge.objects.filter(user_id=user_id)
    ended = _end(asked, reason=reason, now=now)
    # Declined challenges keep their end, but cannot be approved by another method any more.
    asked.can_use_fallback().update(revoked_at=now)
    verifications = IdentityVerification.objects.filter(
        user_id=user_id, outcome=IdentityVerification.Outcome.OPEN
    )
    verifications.update(outcome=IdentityVerification.Outcome.FAILED, ended_at=now)
    return ended


def end_one(challenge: FaceChallenge, *, reason: str, now: datetime) -> None:
    """End one challenge and its grant for `reason`, or mark it if it has ended or was used."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    asked.mark_revoked_after_use(reason=reason, now=now)
    asked.can_use_fallback().update(revoked_at=now)
    _end(asked, reason=reason, now=now)
    asked.update(reason=reason)


def revoke(authentication: FaceAuthentication, *, reason: str, now: datetime) -> int:
    """Revoke the grants of an authentication; return how many there were.

    Those that were used up cannot be revoked; the signal is sent for them, too, once.
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
        metrics.count("challenge_revoked")
        was_used = challenge.session_rotated_at is not None or challenge.consumed_at is not None
        send_on_commit(
            challenge_revoked,
            sender=FaceChallenge,
            challenge=challenge,
            reason=reason,
            executed=(challenge.action,) if was_used else (),
        )
    return revoked
