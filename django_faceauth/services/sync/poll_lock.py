"""Let one process at a time ask the provider about a row."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from django_faceauth.models import database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.resource import Resource, lock_expired
from django_faceauth.services.sync import polling_schedule

#: Only polls and returning users count against the limit. Events of the provider and requests
#: of staff are always worth a call.
LIMITED: Final[frozenset[str]] = frozenset({StatusChange.Source.POLL, StatusChange.Source.RETURN})


@database.repeated
def claim_due(rows: QuerySet[Any], column: str, limit: int, *, now: datetime) -> tuple[int, ...]:
    """Reserve the rows that are due by `column`, the oldest first; return their primary keys.

    They are due again after a minute, so that a process that dies loses nothing. Rows that
    another process is reserving are skipped where the database can do that.
    """
    due = rows.filter(**{f"{column}__lte": now}).order_by(column)
    with database.atomic():
        keys = tuple(database.skip_locked(due).values_list("pk", flat=True)[:limit])
        rows.filter(pk__in=keys).update(**{column: now + polling_schedule.LEASE})
    return keys


def acquire(resource: Resource, source: str, now: datetime) -> bool:
    """Take the lock of a row, unless another process has it or had it two seconds ago."""
    free = _rows(resource).filter(
        lock_expired("pulling_since", lease=polling_schedule.PULL_TIMEOUT, now=now),
        lock_expired("pulled_at", lease=polling_schedule.PULL_INTERVAL, now=now),
    )
    if source in LIMITED:
        free = free.filter(poll_count__lt=polling_schedule.MOST_PULLS)
    return free.update(pulling_since=now, pulled_at=now, poll_count=F("poll_count") + 1) == 1


def acquire_for_attempts(resource: Resource, now: datetime) -> bool:
    """Allow one call for the attempts alone, which is as rare as a poll but does not count."""
    free = _rows(resource).filter(
        lock_expired("pulled_at", lease=polling_schedule.PULL_INTERVAL, now=now)
    )
    return free.update(pulled_at=now) == 1


def release(resource: Resource, now: datetime) -> None:
    """Undo `acquire` when the provider was not called, and let other rows go first."""
    rows = _rows(resource)
    rows.update(pulling_since=None, pulled_at=resource.pulled_at, poll_count=F("poll_count") - 1)
    rows.exclude(next_poll_at=None).update(
        next_poll_at=now + polling_schedule.jittered(polling_schedule.TURN)
    )


def release_after_error(resource: Resource, now: datetime) -> None:
    """End a poll without an answer, which counts, and plan the next one."""
    rows = _rows(resource)
    # An unexpected error may have come before `acquire` counted the poll.
    counted = Greatest(F("poll_count"), resource.poll_count + 1)
    rows.update(pulling_since=None, poll_count=counted)
    again = polling_schedule.again(resource, now=now)
    rows.exclude(next_poll_at=None).update(next_poll_at=again)


def _rows(resource: Resource) -> QuerySet[Any]:
    return type(resource)._base_manager.filter(pk=resource.pk)
