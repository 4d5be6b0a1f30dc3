"""Hearing from people that it was not their face (C-05)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django_faceauth.models import FaceChallenge, Lockout, ReviewCase, database
from django_faceauth.services import limits, review_queue
from django_faceauth.services.grants import exemptions, revocation

#: How long a user who was reported cannot start: time for somebody to look at it.
LOCKED_FOR: Final = timedelta(hours=24)


@database.repeated
def report(challenge: FaceChallenge, *, now: datetime) -> bool:
    """End everything of a user who says that it was not them, lock, and tell; once a link.

    Tells whether it was the first time. What was used up cannot be undone here: the
    operator learns of it.
    """
    with database.atomic():
        told = FaceChallenge.objects.filter(pk=challenge.pk)
        if not told.report(now=now):
            return False
        revocation.end_all(challenge.user_id, reason="reported", now=now)
        exemptions.revoke_all(challenge.user_id, now=now)
        limits.lock(
            challenge.user_id,
            reason=Lockout.Reason.REPORTED,
            until=now + LOCKED_FOR,
            now=now,
            challenge=told.get(),
        )
        if challenge.authentication is not None:
            review_queue.raise_case(challenge.authentication, ReviewCase.Reason.REPORTED, now=now)
    return True
