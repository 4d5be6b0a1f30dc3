"""Verdicts of reviewers on authentications.

A verdict never touches the provider's own result: it can revoke, and never grant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q

from django_faceauth.exceptions import ReviewRefused
from django_faceauth.models import FaceAuthentication, Lockout, ReviewCase, Verdict, database
from django_faceauth.services import audit_log, limits
from django_faceauth.services.grants import exemptions, revocation

#: Findings that revoke what the user was granted.
ADVERSE: Final = frozenset({Verdict.Finding.SUSPICIOUS, Verdict.Finding.FRAUD})


@database.repeated
def record(
    authentication: FaceAuthentication,
    *,
    finding: Verdict.Finding,
    note: str,
    reviewer: AbstractBaseUser,
    now: datetime,
    lock_for: timedelta | None = None,
    seen: int | None = None,
) -> Verdict:
    """Record the finding of a reviewer; an adverse one revokes all that the user was granted.

    `lock_for` locks the user out of face checks for so long. `seen` is the number of verdicts
    that the reviewer knows of. Raises `ReviewRefused` for a verdict on oneself, a lock without
    an adverse finding, an adverse one without a note, and if there are more verdicts than `seen`.
    """
    is_adverse, user_id = finding in ADVERSE, authentication.user_id
    if reviewer.pk == user_id:
        raise ReviewRefused("reviewers cannot review themselves")
    if is_adverse and not note.strip():
        raise ReviewRefused("an adverse finding needs a note")
    if lock_for is not None and not is_adverse:
        raise ReviewRefused("only an adverse finding locks")
    with database.atomic():
        case, _created = ReviewCase.objects.select_for_update().get_or_create(
            authentication=authentication, defaults={"reasons": [], "raised_at": now}
        )
        if seen is not None and authentication.verdicts.count() > seen:
            raise ReviewRefused("another verdict was recorded meanwhile")
        verdict = Verdict.objects.create(
            authentication=authentication,
            finding=finding,
            note=note,
            reviewer_id=reviewer.pk,
            at=now,
        )
        case.settled_at = now
        case.save(update_fields=["settled_at"])
        if is_adverse:
            revocation.revoke(authentication, reason="reviewed", now=now)
            revocation.end_all(user_id, reason="reviewed", now=now)
            exemptions.revoke_all(user_id, now=now)
        if lock_for is not None:
            limits.lock(user_id, reason=Lockout.Reason.REVIEWED, until=now + lock_for, now=now)
        audit_log.note("verdict", by=reviewer, about=authentication, now=now, finding=str(finding))
    return verdict


def next_case(after: FaceAuthentication, *, reviewer: AbstractBaseUser) -> ReviewCase | None:
    """Return the open case that follows in the queue, or its first; none of the reviewer's own."""
    cases = ReviewCase.objects.filter(settled_at=None).exclude(authentication__user=reviewer.pk)
    case = ReviewCase.objects.get(authentication=after)
    older = Q(raised_at__lt=case.raised_at) | Q(raised_at=case.raised_at, pk__lt=case.pk)
    queue = cases.order_by("-raised_at", "-pk")
    return queue.filter(older).first() or queue.first()
