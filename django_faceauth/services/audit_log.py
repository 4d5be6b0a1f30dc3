"""The log of what staff and commands did, and whether it is still whole (L-03).

Write an entry in the transaction of what it tells of. The log is one chain, so entries are
written one at a time: never call the provider after an entry in the same transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F, Model

from django_faceauth.models import AuditEntry, AuditHead, database

#: What details may hold: words and numbers, no personal data (L-02).
Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Verification:
    """How many entries there are, and the number of the first that is not as it was written."""

    count: int
    first_break: int | None
    head: str

    @property
    def is_whole(self) -> bool:
        """Whether every entry is as it was written, and none is missing."""
        return self.first_break is None


@database.repeated
def note(
    event: str,
    *,
    by: AbstractBaseUser | None,
    about: Model | None = None,
    now: datetime,
    **details: Fact,
) -> AuditEntry:
    """Add an entry: what was done, by whom (None for a command), about which row."""
    with database.atomic():
        head = _take_head()
        entry = AuditEntry(
            number=head.count,
            at=now,
            event=event,
            by="" if by is None else str(by.pk),
            subject=subject_of(about) if about is not None else "",
            details=details,
        )
        entry.digest = _digest(entry, head.digest)
        entry.save()
        AuditHead.objects.filter(pk=head.pk).update(digest=entry.digest)
    return entry


def subject_of(row: Model) -> str:
    """Return how entries name a row: `faceauthentication:12`."""
    return f"{row._meta.model_name}:{row.pk}"


def entries(*, since: datetime | None = None) -> Iterator[AuditEntry]:
    """Return the log, oldest first, all of it or what was written since."""
    found = AuditEntry.objects.order_by("number")
    return (found.filter(at__gte=since) if since else found).iterator()


def verify() -> Verification:
    """Read the whole log, and find the first entry that was changed, taken out or put in."""
    previous, number = "", 0
    for entry in AuditEntry.objects.order_by("number").iterator():
        number += 1
        if entry.number != number or entry.digest != _digest(entry, previous):
            return Verification(number - 1, number, previous)
        previous = entry.digest
    head = AuditHead.objects.first()
    is_complete = (head.count, head.digest) == (number, previous) if head else number == 0
    return Verification(number, None if is_complete else number + 1, previous)


def _take_head() -> AuditHead:
    """Number the next entry, and let nobody else write until this transaction ends."""
    # The UPDATE comes first: it locks the row, and what is read after it is current on
    # every database.
    if not AuditHead.objects.filter(pk=1).update(count=F("count") + 1):
        AuditHead.objects.get_or_create(pk=1)  # the migration's was flushed, as tests do
        AuditHead.objects.filter(pk=1).update(count=F("count") + 1)
    return AuditHead.objects.get(pk=1)


def _digest(entry: AuditEntry, previous: str) -> str:
    facts: list[Any] = [previous, entry.number, entry.at.isoformat(), entry.event]
    facts += [entry.by, entry.subject, dict(_as_mapping(entry.details))]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _as_mapping(details: Any) -> Mapping[str, Any]:
    return details if isinstance(details, Mapping) else {"changed": str(details)}
