"""What deserves a pair of eyes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django_faceauth.models import (
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    ReviewCase,
    StatusChange,
    database,
)
from django_faceauth.response_codes import DURESS, FRAUD
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.signals import case_raised
from django_faceauth.statuses import DECIDED, AuthenticationStatus

Reason = ReviewCase.Reason

#: More attempts than this for one authentication are many.
MANY_ATTEMPTS: Final = 3
#: An approval so soon after a decline of the same person is worth a look.
TURNED_WITHIN: Final = timedelta(hours=24)


def consider(authentication: FaceAuthentication, *, now: datetime) -> None:
    """Put an authentication into the queue if there is a reason to look at it.

    Call it in the transaction that brought the news. A case that was settled is opened again
    by a reason that was not known then.
    """
    raise_case(authentication, *_reasons(authentication), now=now)


@database.repeated
def contest(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Have a person look at a decline that its user calls wrong; tell if there is one (V-10)."""
    if not challenge.is_declined or challenge.authentication is None:
        return False
    with database.atomic():
        raise_case(challenge.authentication, Reason.CONTESTED, now=now)
    return True


def raise_case(authentication: FaceAuthentication, *reasons: Reason, now: datetime) -> None:
    """Put an authentication into the queue for these reasons, beside those it is there for."""
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
    if _was_declined_before(row):
        yield Reason.TURNED
    if _is_from_new_network(row):
        yield Reason.NETWORK


def _was_declined_before(row: FaceAuthentication) -> bool:
    others = StatusChange.objects.filter(authentication__user_id=row.user_id).exclude(
        authentication_id=row.pk
    )
    declined = others.filter(status=AuthenticationStatus.DECLINED)
    return declined.filter(
        at__gt=row.created_at - TURNED_WITHIN, at__lte=row.created_at + TURNED_WITHIN
    ).exists()


def _is_from_new_network(row: FaceAuthentication) -> bool:
    """Tell whether no approved face of this person was shown from there before (C-06)."""
    network = row.attempts.values_list("network", flat=True).first()
    if not network:
        return False
    known = _networks_of(row.user_id, before=row)
    return bool(known) and network not in known


def _networks_of(user_id: Any, *, before: FaceAuthentication) -> set[str]:
    shown = FaceAttempt.objects.filter(
        authentication__user_id=user_id,
        authentication__status=AuthenticationStatus.APPROVED,
        authentication_id__lt=before.pk,
    ).exclude(network="")
    return set(shown.order_by().values_list("network", flat=True).distinct())
