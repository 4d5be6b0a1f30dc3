"""Taking up what was left lying, and what is due without anybody having told us.

The database says what is due, so that it does not matter who was killed, which task was
lost, or how long nobody swept. Whoever takes a row has it for a minute; others take the
next ones.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from django_faceauth.beat import SWEEP_INTERVAL
from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError, ProviderError
from django_faceauth.models import FaceAuthentication, FaceChallenge, WebhookEvent, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services import limits, unexpected_errors
from django_faceauth.services.flow import finish
from django_faceauth.services.privacy import erasure
from django_faceauth.services.sync import (
    poll_lock,
    polling_schedule,
    provider_rate_limit,
    reconciliation,
    sync,
)

logger = logging.getLogger(__name__)

State = FaceChallenge.State

#: Rows that one sweep takes at most; the budget allows no more in a minute anyway.
BATCH: Final = 500
#: A question that nobody answers is closed after this, and after its own window.
OPEN_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """Primary keys of rows that are now left to whoever took them."""

    events: tuple[int, ...] = ()
    authentications: tuple[int, ...] = ()


def claim_due(*, now: datetime) -> Due:
    """Take what is due: no more than the budget allows until the next sweep."""
    if provider_rate_limit.paused_until(now=now):
        return Due()
    affordable = max(1, min(BATCH, round(conf.POLL_RATE * SWEEP_INTERVAL)))
    return Due(take_events(affordable, now=now), _take_authentications(affordable, now))


@database.repeated
def take_events(limit: int, *, now: datetime) -> tuple[int, ...]:
    """Take events that are due, the oldest first."""
    due = WebhookEvent.objects.filter(due_at__lte=now).order_by("due_at")
    with database.atomic():
        taken = _locked(due, limit)
        WebhookEvent.objects.filter(pk__in=taken).update(due_at=now + polling_schedule.LEASE)
    return taken


def poll(authentication_id: int, *, now: datetime) -> bool:
    """Ask the provider about a row that `take` gave; return whether there was an answer.

    Trouble is logged, and the row is due again later.
    """
    row = FaceAuthentication.objects.filter(pk=authentication_id).first()
    if row is None:
        return False
    if row.poll_count >= polling_schedule.MOST_PULLS:
        logger.error("poll given up authentication=%s", row)
        sync.plan(row, None)  # or it would be due for ever
        return False
    try:
        return finish.refresh(row, source=StatusChange.Source.POLL, now=now) is not None
    except (ProviderError, ConfigurationError) as error:
        logger.warning("poll failed: %s authentication=%s", error, row)
        return False
    except unexpected_errors.AWAY:
        raise
    except Exception as error:
        unexpected_errors.note(error, f"authentication={row}")
        poll_lock.put_off(row, now)
        return False


def make_due(*, since: datetime) -> int:
    """Make everything due that was created since; return how many those are.

    For after an outage. What was asked about too often already stays as it is.
    """
    rows = FaceAuthentication.objects.filter(created_at__gte=since, erased_at=None)
    known = rows.filter(environment=conf.ENVIRONMENT, provider_id__isnull=False)
    return known.filter(poll_count__lt=polling_schedule.MOST_PULLS).update(next_poll_at=since)


def close_expired(*, now: datetime) -> int:
    """Close questions that nobody answered, forget intents; return how many of both.

    Goes on with erasures, a few at a time, since each asks the provider.
    """
    done = 0
    with unexpected_errors.contained("limits"):
        limits.forget(now=now)
    with unexpected_errors.contained("erasures"):
        erasure.advance(now=now)
    with unexpected_errors.contained("challenges"):
        done += _expire_challenges(now)
    with unexpected_errors.contained("intents"):
        done += reconciliation.forget_intents(now=now)
    return done


def has_overdue_work(*, now: datetime) -> bool:
    """Tell whether a question is open that a sweep at `now` would have closed."""
    return bool(_abandoned(now))


@database.repeated
def _take_authentications(limit: int, now: datetime) -> tuple[int, ...]:
    here = FaceAuthentication.objects.filter(environment=conf.ENVIRONMENT)
    due = here.filter(next_poll_at__lte=now).order_by("next_poll_at")
    with database.atomic():
        taken = _locked(due, limit)
        here.filter(pk__in=taken).update(next_poll_at=now + polling_schedule.LEASE)
    return taken


def _locked(due: QuerySet[Any], limit: int) -> tuple[int, ...]:
    return tuple(database.skip_locked(due).values_list("pk", flat=True)[:limit])


def _expire_challenges(now: datetime) -> int:
    abandoned = FaceChallenge.objects.filter(pk__in=_abandoned(now))
    return abandoned.close(State.EXPIRED, reason="abandoned")


def _abandoned(now: datetime) -> list[int]:
    old = FaceChallenge.objects.filter(state=State.OPEN, created_at__lt=now - OPEN_FOR)
    return [one.pk for one in old[:BATCH] if _is_abandoned(one, now)]


def _is_abandoned(challenge: FaceChallenge, now: datetime) -> bool:
    """Tell whether no answer that came now could be of use any more."""
    begun = challenge.started_at or challenge.created_at
    return now - begun > max(OPEN_FOR, conf.CAPTURE_WINDOW + challenge.age_limit)
