"""Process overdue webhook events and polls.

The database says what is due, so nothing is lost when a process dies, a task is lost or no
sweep runs for a while. A process reserves its rows for a minute; others take the next ones.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django_faceauth.beat import SWEEP_INTERVAL
from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError, ProviderError
from django_faceauth.models import (
    FaceAuthentication,
    FaceChallenge,
    IdentityVerification,
    WebhookEvent,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.resource import Resource
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

#: Rows of one sweep; the rate limit allows no more in a minute anyway.
BATCH: Final = 500
#: Identity verifications of one sweep: each may wait for the provider.
MOST_VERIFICATIONS: Final = 5
#: A challenge without an answer is closed after this, and after its own window.
OPEN_FOR: Final = timedelta(hours=1)


class Due(NamedTuple):
    """Primary keys of rows that are now reserved for the caller."""

    events: tuple[int, ...] = ()
    authentications: tuple[int, ...] = ()


def claim_due(*, now: datetime) -> Due:
    """Reserve what is due: no more than the rate limit allows until the next sweep."""
    if provider_rate_limit.paused_until(now=now):
        return Due()
    affordable = max(1, min(BATCH, round(conf.POLL_RATE * SWEEP_INTERVAL)))
    here = FaceAuthentication.objects.filter(environment=conf.ENVIRONMENT)
    polls = poll_lock.claim_due(here, "next_poll_at", affordable, now=now)
    return Due(claim_events(affordable, now=now), polls)


def claim_events(limit: int, *, now: datetime) -> tuple[int, ...]:
    """Reserve events that are due, the oldest first."""
    return poll_lock.claim_due(WebhookEvent.objects.all(), "due_at", limit, now=now)


def poll(pk: int, *, now: datetime, model: type[Resource] = FaceAuthentication) -> bool:
    """Poll a row that `claim_due` has reserved; return whether there was an answer.

    Errors are logged, and the row is due again later.
    """
    row: Any = model._base_manager.filter(pk=pk).first()
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
    except unexpected_errors.AWAY:
        raise
    except Exception as error:
        unexpected_errors.note(error, f"authentication={row}")
        poll_lock.release_after_error(row, now)
    return False


def make_due(*, since: datetime) -> int:
    """Make everything due that was created since; return how many rows.

    For use after an outage. Rows that were polled too often already stay as they are.
    """
    made_due = 0
    for model in (FaceAuthentication, IdentityVerification):
        rows = model._base_manager.filter(created_at__gte=since, erased_at=None)
        known = rows.filter(environment=conf.ENVIRONMENT, provider_id__isnull=False)
        pollable = known.filter(poll_count__lt=polling_schedule.MOST_PULLS)
        made_due += pollable.update(next_poll_at=since)
    return made_due


def close_expired(*, now: datetime) -> int:
    """Close abandoned challenges, delete old pending creations; return how many of both.

    Goes on with erasures and identity verifications, a few at a time, since each is a call to
    the provider.
    """
    done = 0
    with unexpected_errors.contained("limits"):
        limits.forget(now=now)
    with unexpected_errors.contained("erasures"):
        erasure.advance(now=now)
    with unexpected_errors.contained("identity verifications"):
        here = IdentityVerification.objects.filter(environment=conf.ENVIRONMENT)
        if not provider_rate_limit.paused_until(now=now):
            for pk in poll_lock.claim_due(here, "next_poll_at", MOST_VERIFICATIONS, now=now):
                poll(pk, now=now, model=IdentityVerification)
    with unexpected_errors.contained("challenges"):
        abandoned = FaceChallenge.objects.filter(pk__in=_abandoned(now))
        done += abandoned.close(State.EXPIRED, reason="abandoned")
    with unexpected_errors.contained("pending creations"):
        done += reconciliation.delete_pending_creations(now=now)
    return done


def has_overdue_work(*, now: datetime) -> bool:
    """Return whether a challenge is open that a sweep at `now` would have closed."""
    return bool(_abandoned(now))


def _abandoned(now: datetime) -> list[int]:
    """Return challenges to which no result that came now could be of use."""
    old = FaceChallenge.objects.filter(state=State.OPEN, created_at__lt=now - OPEN_FOR)
    return [
        challenge.pk
        for challenge in old[:BATCH]
        if now - (challenge.started_at or challenge.created_at)
        > max(OPEN_FOR, conf.CAPTURE_WINDOW + challenge.age_limit)
    ]
