"""Compute when to poll the provider next.

Polls come quickly after a change and grow rarer while nothing happens: the pause is a quarter
of the quiet time, from two seconds to a minute, then from five minutes to hours. A decided
result is polled three more times, in case the event of an audit was lost.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from django_faceauth.models.resource import Resource
from django_faceauth.statuses import AT_REST, DECIDED, AuthenticationStatus

#: Two polls of one authentication are at least this far apart.
PULL_INTERVAL: Final = timedelta(seconds=2)
#: No exchange with the provider takes longer.
PULL_TIMEOUT: Final = timedelta(seconds=20)
#: The pause of a row that the rate limit of the provider held back.
TURN: Final = timedelta(seconds=5)
#: A start that has not ended by now died: longer than all the calls of one together.
START_TIMEOUT: Final = timedelta(seconds=120)
#: A row that a process has reserved is left to it for this long.
LEASE: Final = timedelta(seconds=60)

BRISK_UNTIL: Final = timedelta(minutes=10)
BRISK: Final = (PULL_INTERVAL, timedelta(seconds=60))
SPARSE: Final = (timedelta(minutes=5), timedelta(hours=6))

#: Times after the decision at which it is compared with the provider's audit.
AUDITS: Final = (timedelta(hours=1), timedelta(hours=24), timedelta(days=7))

#: Polls in the life of an authentication; some are kept for the audits.
MOST_PULLS: Final = 40
MOST_POLLS: Final = MOST_PULLS - len(AUDITS)


def next_poll(row: Resource, *, now: datetime) -> datetime | None:
    """Return when to poll `row` again, None when there is nothing to wait for."""
    last_change_at = row.last_change_at or now
    if row.erased_at is not None or row.poll_count >= MOST_PULLS:
        return None
    if row.status in DECIDED:
        return next(
            (last_change_at + after for after in AUDITS if last_change_at + after > now), None
        )
    if row.status in AT_REST or row.poll_count >= MOST_POLLS:
        return None
    return again(row, now=now)


def after_change(row: Resource, *, now: datetime) -> datetime | None:
    """Return when to poll a row again whose status has just changed.

    Soon, even for a final status: should the process end before it has acted on the change,
    the next poll does.
    """
    if row.status == AuthenticationStatus.CREATED:
        return None  # we made it ourselves, and there is nothing to act upon
    return now + jittered(PULL_INTERVAL)


def again(row: Resource, *, now: datetime) -> datetime:
    """Return when to poll a row again that has no final status."""
    return now + jittered(pause_after(now - (row.last_change_at or now)))


def pause_after(quiet: timedelta) -> timedelta:
    """Return how long to wait when nothing has changed for `quiet`."""
    shortest, longest = BRISK if quiet < BRISK_UNTIL else SPARSE
    return min(max(quiet / 4, shortest), longest)


def jittered(pause: timedelta) -> timedelta:
    """Return up to a fifth less than `pause`, so that rows of one moment spread out."""
    return max(pause * random.uniform(0.8, 1.0), PULL_INTERVAL)  # noqa: S311 - no secret
