"""What the provider's answer makes of the question that waits for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django_faceauth.exceptions import FlowMismatch
from django_faceauth.models import FaceAuthentication, FaceChallenge, database
from django_faceauth.models.challenge import FaceChallengeQuerySet
from django_faceauth.services import evidence, grants, sync
from django_faceauth.services.announcements import announce
from django_faceauth.services.sync import Pulled
from django_faceauth.signals import challenge_refused
from django_faceauth.statuses import AFTER_CAPTURE, AttemptStatus, AuthenticationStatus

logger = logging.getLogger(__name__)

State = FaceChallenge.State

ENDS: Final[Mapping[str, FaceChallenge.State]] = {
    AuthenticationStatus.DECLINED: State.FAILED,
    AuthenticationStatus.INCONCLUSIVE: State.FAILED,
    AuthenticationStatus.REFUSED: State.REFUSED,
}

#: A question that ends so was answered with no.
NEGATIVE: Final = frozenset({State.FAILED, State.REFUSED})


def questions_of(authentication: FaceAuthentication) -> FaceChallengeQuerySet:
    """Return the challenge, if any, that still waits for this authentication."""
    asked = FaceChallenge.objects.filter(authentication_id=authentication.pk)
    return asked.filter(state=State.OPEN, started_at__isnull=False)


def settle(challenge: FaceChallenge, pulled: Pulled, now: datetime) -> None:
    """Grant or end the question, if the answer says so.

    Raises what `sync.pull_attempts` does.
    """
    row = pulled.row
    if row.status == pulled.snapshot.status == AuthenticationStatus.APPROVED:
        _approve(challenge, pulled, now)
    elif row.status in ENDS:
        close(challenge, ENDS[row.status], row.status)
    elif _is_too_late(challenge, row, now):
        close(challenge, State.EXPIRED, "too_late")


def close(challenge: FaceChallenge, state: FaceChallenge.State, reason: str) -> None:
    """End a question that is still open, and announce a no."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    if asked.close(state, reason=reason) and state in NEGATIVE:
        announce(challenge_refused, sender=FaceChallenge, challenge=asked.get(), reason=reason)


def _approve(challenge: FaceChallenge, pulled: Pulled, now: datetime) -> None:
    row, listed = pulled.row, pulled.attempts
    if listed is None:
        listed = sync.pull_attempts(row, now=now)
    try:
        evidence.require_subject(challenge, row, pulled.snapshot)
        newest = evidence.require_attempt(challenge, listed)
        attempt = row.attempts.get(provider_id=newest.id)
        anchor = evidence.require_anchor(attempt, now=now)
    except FlowMismatch as mismatch:
        logger.error("approval refused: %s challenge=%s", mismatch, challenge.pk)
        close(challenge, State.FAILED, "mismatch")
        return
    if not evidence.is_in_time(attempt, anchor, challenge, now=now):
        close(challenge, State.EXPIRED, "too_late")
    elif newest.status == AttemptStatus.COMPLETED:  # or half of the news is not there yet
        _grant(challenge, row, anchor, now)


@database.repeated
def _grant(
    challenge: FaceChallenge, authentication: FaceAuthentication, anchor: datetime, now: datetime
) -> None:
    with database.atomic():
        # Locked, so that a change of mind comes wholly before or wholly after.
        row = sync.locked(authentication)
        if row.status == AuthenticationStatus.APPROVED and row.erased_at is None:
            grants.issue(challenge, verified_at=anchor, now=now)


def _is_too_late(
    challenge: FaceChallenge, authentication: FaceAuthentication, now: datetime
) -> bool:
    """Tell whether an approval that came now would already be stale."""
    attempt = authentication.attempts.first()
    if attempt is None or authentication.status not in AFTER_CAPTURE:
        return False
    return now - attempt.capture_not_before >= challenge.age_limit
