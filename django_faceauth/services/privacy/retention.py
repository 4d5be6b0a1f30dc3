"""Delete rows whose retention period is over.

Works in batches that are each a transaction; nothing is remembered between them, so that the
next run finds what an interrupted one has left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

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
    IdentityVerification,
    Lockout,
    WebhookEvent,
)
from django_faceauth.services import audit_log, unexpected_errors

#: Rows of one transaction.
BATCH: Final = 1000
#: The provider resends for 30 hours: an event that came back later would count as new.
REDELIVERY: Final = timedelta(hours=31)

Rows = QuerySet[Any]


class Rule(NamedTuple):
    """Which rows expire after a period of `FACEAUTH_RETENTION`, and how they end."""

    name: str
    period: str
    expired: Callable[[datetime], Rows]
    end: Callable[[Rows], object] = QuerySet.delete


def purge(*, now: datetime, tell: Callable[[int], object] = int) -> Mapping[str, int]:
    """Delete expired rows; return how many of each kind.

    Calls `tell` with the size of each batch once that is committed. Safe to run again at any
    time, and twice at once. Adds one entry to the audit log.
    """
    with unexpected_errors.contained("lost accounts"):
        # Accounts that were deleted without signals: their period starts today.
        known = Erasure.objects.filter(who=OuterRef("who"), reason=Erasure.Reason.ACCOUNT)
        lost = Consent.objects.filter(user=None).exclude(Exists(known))
        for who in lost.order_by().values_list("who", flat=True).distinct().iterator():
            Erasure.objects.create(
                who=who, reason=Erasure.Reason.ACCOUNT, requested_at=now, finished_at=now
            )
    counts: dict[str, Any] = {}
    for rule, rows in _due(now):
        counts[rule.name] = 0
        with unexpected_errors.contained(rule.name):
            # By primary key, so that a row that fails is not tried twice.
            rest = rows.order_by("pk")
            while keys := list(rest.values_list("pk", flat=True)[:BATCH]):
                kind = rows.model._base_manager.all()
                counts[rule.name] += unexpected_errors.end(kind, keys, rule.end)
                tell(len(keys))
                rest = rows.filter(pk__gt=keys[-1]).order_by("pk")
    audit_log.note("purged", by=None, now=now, **counts)
    return counts


def count(*, now: datetime) -> Mapping[str, int]:
    """Return how many rows of each kind `purge` would delete."""
    return {rule.name: rows.count() for rule, rows in _due(now)}


def _due(now: datetime) -> Iterator[tuple[Rule, Rows]]:
    for rule in RULES:
        period = conf.RETENTION[rule.period]
        if period is not None:
            yield rule, rule.expired(now - period)


def _settled_events(since: datetime) -> Rows:
    rows = WebhookEvent.objects.filter(received_at__lt=since)
    return rows.exclude(state=WebhookEvent.State.STORED)


def _authentications(since: datetime) -> Rows:
    """Return those without a change since then, and without anything still to happen."""
    to_be_erased = ErasureTask.objects.filter(
        due_at__isnull=False, provider_id=OuterRef("provider_id")
    )
    asked = FaceChallenge.objects.filter(authentication_id=OuterRef("pk"))
    quiet = FaceAuthentication.objects.filter(
        Q(last_change_at=None) | Q(last_change_at__lt=since),
        Q(erased_at=None) | Q(erased_at__lt=since),
        # Rows of another environment are not polled here, however long they are due.
        Q(next_poll_at=None) | ~Q(environment=conf.ENVIRONMENT),
        created_at__lt=since,
    )
    return quiet.exclude(Exists(to_be_erased)).exclude(Exists(asked.exclude(_ended(since))))


def _ended(since: datetime) -> Q:
    """Return the condition that all moments of a challenge, which has ended, are before then."""
    ended = Q(created_at__lt=since) & ~Q(state=FaceChallenge.State.OPEN)
    for name in ("started_at", "granted_at", "consumed_at", "revoked_at", "reported_at"):
        ended &= Q(**{name: None}) | Q(**{f"{name}__lt": since})
    return ended


def _consents(since: datetime) -> Rows:
    """Return those of accounts that were deleted before then."""
    gone = Erasure.objects.filter(who=OuterRef("who"), reason=Erasure.Reason.ACCOUNT)
    orphans = Consent.objects.filter(user=None).filter(Exists(gone))
    return orphans.exclude(Exists(gone.filter(requested_at__gte=since)))


def _delete_flow(rows: Rows) -> None:
    FaceChallenge.objects.filter(authentication__in=rows.values("pk")).delete()
    rows.delete()


#: In this order, so that rows go before those that they refer to.
RULES: Final = (
    Rule(
        "events",
        "events",
        lambda since: _settled_events(since).filter(~Q(applicant_id="") | ~Q(error="")),
        lambda rows: rows.update(applicant_id="", error=""),
    ),
    Rule("tombstones", "tombstones", _settled_events),
    Rule("authentications", "flows", _authentications, _delete_flow),
    # Others are needed for the erasure of their users.
    Rule(
        "identity verifications",
        "flows",
        lambda since: IdentityVerification.objects.filter(
            Q(erased_at__lt=since) | Q(session_digest="", updated_at__lt=since)
        ),
    ),
    Rule(
        "challenges",
        "flows",
        lambda since: FaceChallenge.objects.filter(_ended(since), authentication=None),
    ),
    Rule(
        "exemptions",
        "flows",
        lambda since: FaceExemption.objects.filter(
            Q(expires_at__lt=since) | Q(revoked_at__lt=since)
        ),
    ),
    Rule("lockouts", "limits", lambda since: Lockout.objects.filter(until__lt=since)),
    Rule("consents", "consents", _consents),
    Rule(
        "erasures",
        "consents",
        lambda since: Erasure.objects.filter(finished_at__lt=since).exclude(
            Exists(Consent.objects.filter(who=OuterRef("who")))
        ),
    ),
    Rule("audit", "audit", lambda since: AuditEntry.objects.filter(at__lt=since)),
)
