"""What reviewers made of what the provider said.

A verdict never touches the provider's own word (A-01): it can take away, and never give.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth.exceptions import ReviewRefused
from django_faceauth.models import FaceAuthentication, Lockout, ReviewCase, Verdict, database
from django_faceauth.services import audit_log, limits
from django_faceauth.services.grants import exemptions, revocation

Finding = Verdict.Finding

#: Findings that take away what the person was granted.
ADVERSE: Final = frozenset({Finding.SUSPICIOUS, Finding.FRAUD})


@database.repeated
def record(
    authentication: FaceAuthentication,
    *,
    finding: Verdict.Finding,
    note: str,
    reviewer: AbstractBaseUser,
    now: datetime,
    lock_for: timedelta | None = None,
) -> Verdict:
    """Record what a reviewer found; an adverse finding ends all that the person was granted.

    `lock_for` keeps the person from face checks for so long. Raises `ReviewRefused` for a
    verdict on oneself, a lock without an adverse finding, and an adverse one without a note.
    """
    _require_sense(authentication, finding, note, reviewer, lock_for)
    with database.atomic():
        verdict = Verdict.objects.create(
            authentication=authentication,
            finding=finding,
            note=note,
            reviewer_id=reviewer.pk,
            at=now,
        )
        _settle(authentication, now)
        if finding in ADVERSE:
            _take_away(authentication, lock_for, now)
        audit_log.note("verdict", by=reviewer, about=authentication, now=now, finding=str(finding))
    return verdict


def _require_sense(
    authentication: FaceAuthentication,
    finding: Verdict.Finding,
    note: str,
    reviewer: AbstractBaseUser,
    lock_for: timedelta | None,
) -> None:
    if reviewer.pk == authentication.user_id:
        raise ReviewRefused("nobody reviews themselves")
    if finding in ADVERSE and not note.strip():
        raise ReviewRefused("an adverse finding needs a note")
    if lock_for is not None and finding not in ADVERSE:
        raise ReviewRefused("only an adverse finding locks")


def _settle(authentication: FaceAuthentication, now: datetime) -> None:
    case, _created = ReviewCase.objects.select_for_update().get_or_create(
        authentication=authentication, defaults={"reasons": [], "raised_at": now}
    )
    case.settled_at = now
    case.save(update_fields=["settled_at"])


def _take_away(
    authentication: FaceAuthentication, lock_for: timedelta | None, now: datetime
) -> None:
    revocation.revoke(authentication, reason="reviewed", now=now)
    revocation.end_all(authentication.user_id, reason="reviewed", now=now)
    exemptions.revoke_all(authentication.user_id, now=now)
    if lock_for is not None:
        until = now + lock_for
        reason = Lockout.Reason.REVIEWED
        limits.lock(authentication.user_id, reason=reason, until=until, now=now)
