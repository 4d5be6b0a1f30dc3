"""Handle what users say of a face check: it was not theirs, or the decline was wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django_faceauth.models import FaceChallenge, Lockout, ReviewCase, database
from django_faceauth.services import limits, review_queue
from django_faceauth.services.grants import exemptions, revocation

#: How long a user cannot start after a report: time for staff to review it.
LOCKED_FOR: Final = timedelta(hours=24)


@database.repeated
def report(challenge: FaceChallenge, *, now: datetime) -> bool:
    """End all grants of a user who reports a challenge, lock them, and notify, once a challenge.

    Tells whether it was the first time. What was consumed cannot be undone here: the operator
    is notified of it.
    """
    with database.atomic():
        rows = FaceChallenge.objects.filter(pk=challenge.pk)
        if not rows.report(now=now):
            return False
        revocation.end_all(challenge.user_id, reason="reported", now=now)
        exemptions.revoke_all(challenge.user_id, now=now)
        limits.lock(
            challenge.user_id,
            reason=Lockout.Reason.REPORTED,
            until=now + LOCKED_FOR,
            now=now,
            challenge=rows.get(),
        )
        if challenge.authentication is not None:
            review_queue.raise_case(challenge.authentication, ReviewCase.Reason.REPORTED, now=now)
    return True


@database.repeated
def contest(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Queue a decline that its user contests for review; tell whether it was declined."""
    if not challenge.is_declined or challenge.authentication is None:
        return False
    with database.atomic():
        review_queue.raise_case(challenge.authentication, ReviewCase.Reason.CONTESTED, now=now)
    return True
