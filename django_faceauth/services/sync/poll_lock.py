"""Whose turn it is to ask the provider about a row: one at a time, and not too often."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import F, QuerySet

from django_faceauth.models import FaceAuthentication
from django_faceauth.models.authentication import StatusChange, lock_expired
from django_faceauth.services.sync import polling_schedule

#: Only these are asked for by a clock or a visitor, and so are counted against the limit:
#: news from the provider and the wish of staff are always worth a question.
LIMITED: Final[frozenset[str]] = frozenset({StatusChange.Source.POLL, StatusChange.Source.RETURN})


def acquire(authentication: FaceAuthentication, source: str, now: datetime) -> bool:
    """Let one ask at a time, and remember that it did."""
    free = _rows(authentication).filter(
        lock_expired("pulling_since", lease=polling_schedule.PULL_TIMEOUT, now=now),
        lock_expired("pulled_at", lease=polling_schedule.PULL_INTERVAL, now=now),
    )
    if source in LIMITED:
        free = free.filter(poll_count__lt=polling_schedule.MOST_PULLS)
    return free.update(pulling_since=now, pulled_at=now, poll_count=F("poll_count") + 1) == 1


def claim_look(authentication: FaceAuthentication, now: datetime) -> bool:
    """Let one look at the attempts alone, as rarely as others ask; it is no pull."""
    free = _rows(authentication).filter(
        lock_expired("pulled_at", lease=polling_schedule.PULL_INTERVAL, now=now)
    )
    return free.update(pulled_at=now) == 1


def end_look(authentication: FaceAuthentication) -> None:
    """Let the next one ask at once: the look has shown that there is news."""
    _rows(authentication).update(pulled_at=None)


def release(authentication: FaceAuthentication, now: datetime) -> None:
    """Undo a claim: nobody was asked, and it is the turn of others first."""
    rows = _rows(authentication)
    rows.update(
        pulling_since=None, pulled_at=authentication.pulled_at, poll_count=F("poll_count") - 1
    )
    rows.exclude(next_poll_at=None).update(
        next_poll_at=now + polling_schedule.jittered(polling_schedule.TURN)
    )


def release_after_error(authentication: FaceAuthentication, now: datetime) -> None:
    """End a claim: there was no answer, so what was planned is planned anew."""
    rows = _rows(authentication)
    rows.update(pulling_since=None)
    again = polling_schedule.again(authentication, now=now)
    rows.exclude(next_poll_at=None).update(next_poll_at=again)


def put_off(authentication: FaceAuthentication, now: datetime) -> None:
    """End a turn that failed unexpectedly: it was one of those that a row has in its life."""
    untold = _rows(authentication).filter(poll_count=authentication.poll_count)
    untold.update(poll_count=F("poll_count") + 1)
    release_after_error(authentication, now)


def _rows(authentication: FaceAuthentication) -> QuerySet[FaceAuthentication]:
    return FaceAuthentication.objects.filter(pk=authentication.pk)
