"""Deleting what is kept no longer (V-06), in batches that are each a transaction.

Nothing is remembered between batches: whoever is killed has done what it had done, and the
next run finds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from django_faceauth.conf import conf
from django_faceauth.models import (
    AuditEntry,
    Consent,
    Erasure,
    ErasureTask,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    WebhookEvent,
)
from django_faceauth.services import audit_log, unexpected_errors

#: Rows of one transaction.
BATCH: Final = 1000
#: The provider resends for 30 hours: an event that came back later would count as new.
REDELIVERY: Final = timedelta(hours=31)

Rows = QuerySet[Any]
#: Tells how many rows a batch was about, once it is committed.
Tell = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes when: the rows that are over since a moment, and what becomes of them."""

    name: str
    period: str
    over: Callable[[datetime], Rows]
    end: Callable[[Rows], object]


def purge(*, now: datetime, tell: Tell = int) -> Mapping[str, int]:
    """Delete what is over; return how many rows of each kind that were.

    Safe to run again at any time, and at once. Leaves one entry in the audit log.
    """
    with unexpected_errors.contained("lost accounts"):
        _note_lost_accounts(now)
    counts: dict[str, Any] = {}
    for rule, rows in _due(now):
        counts[rule.name] = 0
        with unexpected_errors.contained(rule.name):
            for done in _batches(rule, rows, tell):
                counts[rule.name] += done
    audit_log.note("purged", by=None, now=now, **counts)
    return counts


def count(*, now: datetime) -> Mapping[str, int]:
    """Return how many rows of each kind `purge` would end; change nothing."""
    return {rule.name: rows.count() for rule, rows in _due(now)}


def _due(now: datetime) -> Iterator[tuple[Rule, Rows]]:
    for rule in RULES:
        period = conf.RETENTION[rule.period]
        if period is not None:
            yield rule, rule.over(now - period)


def _batches(rule: Rule, rows: Rows, tell: Tell) -> Iterator[int]:
    """Go through the rows by their primary keys, so that no batch begins anew."""
    last: Any = None
    while True:
        rest = rows.order_by("pk") if last is None else rows.filter(pk__gt=last).order_by("pk")
        keys = list(rest.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return
        done = unexpected_errors.end(rows.model._base_manager.all(), keys, rule.end)
        last = keys[-1]
        tell(len(keys))
        yield done


# -- what is over


def _events(since: datetime) -> Rows:
    telling = ~Q(applicant_id="") | ~Q(error="")
    return _settled_events(since).filter(telling)


def _settled_events(since: datetime) -> Rows:
    rows = WebhookEvent.objects.filter(received_at__lt=since)
    return rows.exclude(state=WebhookEvent.State.STORED)


def _authentications(since: datetime) -> Rows:
    """Those that nothing has happened to since, and that nobody waits for any more."""
    to_be_erased = ErasureTask.objects.filter(
        due_at__isnull=False, provider_id=OuterRef("provider_id")
    )
    asked = FaceChallenge.objects.filter(authentication_id=OuterRef("pk"))
    quiet = FaceAuthentication.objects.filter(
        Q(last_change_at=None) | Q(last_change_at__lt=since),
        Q(erased_at=None) | Q(erased_at__lt=since),
        # What is of another environment is not asked about here, however long it is due.
        Q(next_poll_at=None) | ~Q(environment=conf.ENVIRONMENT),
        created_at__lt=since,
    )
    return quiet.exclude(Exists(to_be_erased)).exclude(Exists(asked.exclude(_ended(since))))


def _challenges(since: datetime) -> Rows:
    return FaceChallenge.objects.filter(_ended(since), authentication=None)


def _ended(since: datetime) -> Q:
    """Return the condition that a question ended before: at its last moment of any kind."""
    over = Q(created_at__lt=since) & ~Q(state=FaceChallenge.State.OPEN)
    for name in ("started_at", "granted_at", "consumed_at", "revoked_at", "reported_at"):
        over &= Q(**{name: None}) | Q(**{f"{name}__lt": since})
    return over


def _exemptions(since: datetime) -> Rows:
    return FaceExemption.objects.filter(Q(expires_at__lt=since) | Q(revoked_at__lt=since))


def _lockouts(since: datetime) -> Rows:
    return Lockout.objects.filter(until__lt=since)


def _consents(since: datetime) -> Rows:
    gone = Erasure.objects.filter(who=OuterRef("who"), reason=Erasure.Reason.ACCOUNT)
    orphans = Consent.objects.filter(user=None).filter(Exists(gone))
    return orphans.exclude(Exists(gone.filter(requested_at__gte=since)))


def _erasures(since: datetime) -> Rows:
    proved = Consent.objects.filter(who=OuterRef("who"))
    return Erasure.objects.filter(finished_at__lt=since).exclude(Exists(proved))


def _audit_entries(since: datetime) -> Rows:
    return AuditEntry.objects.filter(at__lt=since)


def _note_lost_accounts(now: datetime) -> None:
    """Begin to count for accounts that were deleted behind our back: their end is today."""
    known = Erasure.objects.filter(who=OuterRef("who"), reason=Erasure.Reason.ACCOUNT)
    lost = Consent.objects.filter(user=None).exclude(Exists(known))
    for who in lost.order_by().values_list("who", flat=True).distinct().iterator():
        Erasure.objects.create(
            who=who, reason=Erasure.Reason.ACCOUNT, requested_at=now, finished_at=now
        )


# -- what becomes of it


def _scrub(rows: Rows) -> None:
    rows.update(applicant_id="", error="")


def _delete(rows: Rows) -> None:
    rows.delete()


def _delete_flow(rows: Rows) -> None:
    """Delete authentications with all that hangs on them."""
    FaceChallenge.objects.filter(authentication__in=rows.values("pk")).delete()
    rows.delete()


#: In this order, so that what holds something goes after it.
RULES: Final = (
    Rule("events", "events", _events, _scrub),
    Rule("tombstones", "tombstones", _settled_events, _delete),
    Rule("authentications", "flows", _authentications, _delete_flow),
    Rule("challenges", "flows", _challenges, _delete),
    Rule("exemptions", "flows", _exemptions, _delete),
    Rule("lockouts", "limits", _lockouts, _delete),
    Rule("consents", "consents", _consents, _delete),
    Rule("erasures", "consents", _erasures, _delete),
    Rule("audit", "audit", _audit_entries, _delete),
)
