"""Decide which authentications staff should review."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django_faceauth.models import FaceAttempt, FaceAuthentication, ReviewCase, StatusChange
from django_faceauth.response_codes import DURESS, FRAUD
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.signals import case_raised
from django_faceauth.statuses import DECIDED, AuthenticationStatus

Reason = ReviewCase.Reason

#: More attempts than this for one authentication are suspicious.
MANY_ATTEMPTS: Final = 3
#: An approval so soon after a decline of the same user is worth a review.
TURNED_WITHIN: Final = timedelta(hours=24)


def consider(authentication: FaceAuthentication, *, now: datetime) -> None:
    """Add an authentication to the queue if there is a reason to review it.

    Call it in the transaction that stored its new status. A reason that was not known when a
    case was settled opens it again.
    """
    raise_case(authentication, *_reasons(authentication), now=now)


def raise_case(authentication: FaceAuthentication, *reasons: Reason, now: datetime) -> None:
    """Add an authentication to the queue for these reasons and those that it is there for."""
    if not reasons:
        return
    case, _created = ReviewCase.objects.select_for_update().get_or_create(
        authentication=authentication, defaults={"reasons": [], "raised_at": now}
    )
    new = [reason for reason in reasons if reason not in case.reasons]
    if new:
        case.reasons = [*case.reasons, *map(str, new)]
        case.raised_at, case.settled_at = now, None
        case.save(update_fields=["reasons", "raised_at", "settled_at"])
        send_on_commit(case_raised, sender=ReviewCase, case=case, reasons=tuple(map(str, new)))


def _reasons(row: FaceAuthentication) -> Iterator[Reason]:
    if any(code in FRAUD for code in row.codes):
        yield Reason.FRAUD
    if DURESS in row.codes:
        yield Reason.DURESS
    if row.attempts.count() > MANY_ATTEMPTS:
        yield Reason.ATTEMPTS
    if row.status_changes.filter(previous__in=DECIDED).exists():
        yield Reason.AUDIT
    if row.status != AuthenticationStatus.APPROVED:
        return
    declined = StatusChange.objects.filter(
        authentication__user_id=row.user_id,
        status=AuthenticationStatus.DECLINED,
        at__gt=row.created_at - TURNED_WITHIN,
        at__lte=row.created_at + TURNED_WITHIN,
    )
    if declined.exclude(authentication_id=row.pk).exists():
        yield Reason.TURNED
    network = row.attempts.values_list("network", flat=True).first()
    if network:
        captured = FaceAttempt.objects.filter(
            authentication__user_id=row.user_id,
            authentication__status=AuthenticationStatus.APPROVED,
            authentication_id__lt=row.pk,
        ).exclude(network="")
        known = set(captured.order_by().values_list("network", flat=True).distinct())
        if known and network not in known:
            yield Reason.NETWORK
