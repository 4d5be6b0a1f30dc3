"""Handle what users say: a check or an enrolment was not theirs, or a decline was wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django_faceauth.models import (
    FaceChallenge,
    IdentityVerification,
    Lockout,
    ReviewCase,
    database,
)
from django_faceauth.models.challenge import NOT_ME
from django_faceauth.services import limits, review_queue
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import exemptions, revocation

#: How long a user cannot start after a report: time for staff to review it.
LOCKED_FOR: Final = timedelta(hours=24)


@database.repeated
def report(
    subject: FaceChallenge | IdentityVerification, *, ends_all: bool = True, now: datetime
) -> bool:
    """End all grants of a user who reports a challenge or an enrolment, lock them, and notify.

    A reported enrolment is taken back. Without `ends_all`, the reported challenge alone ends.
    Tells whether it was the first report of it. What was consumed cannot be undone here: the
    operator is notified of it.
    """
    with database.atomic():
        rows: Any = type(subject)._base_manager.filter(pk=subject.pk)
        is_first = rows.filter(reported_at=None).update(reported_at=now)
        if ends_all and not is_first and isinstance(subject, FaceChallenge):
            # The owner of the account, from the mail, after the device that showed the face.
            is_first = rows.filter(reason=NOT_ME).update(reason="reported", reported_at=now)
        if not is_first:
            return False
        if isinstance(subject, IdentityVerification):
            rows.update(outcome=IdentityVerification.Outcome.REVOKED, ended_at=now)
            applicants.unlink(subject, reason="reported", now=now)
            applicants.send_change(rows.get(), "reported")
        elif subject.authentication is not None:
            review_queue.raise_case(subject.authentication, ReviewCase.Reason.REPORTED, now=now)
        if ends_all:
            revocation.end_all(subject.user_id, reason="reported", now=now)
            exemptions.revoke_all(subject.user_id, now=now)
        elif isinstance(subject, FaceChallenge):
            revocation.end_one(subject, reason=NOT_ME, now=now)
        limits.lock(
            subject.user_id,
            reason=Lockout.Reason.REPORTED,
            until=now + LOCKED_FOR,
            now=now,
            challenge=rows.get() if isinstance(subject, FaceChallenge) else None,
        )
    return True


@database.repeated
def contest(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Queue a decline that its user contests for review; tell whether it was declined."""
    if not challenge.is_declined or challenge.authentication is None:
        return False
    with database.atomic():
        review_queue.raise_case(challenge.authentication, ReviewCase.Reason.CONTESTED, now=now)
    return True
