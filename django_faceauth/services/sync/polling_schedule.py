"""When the provider is asked again, without being told to (D-03, D-04). Nothing but arithmetic.

Questions come quickly after something has happened, and grow rarer with the time that
nothing did: a quarter of it, from two seconds to a minute, then from five minutes to
hours. A decided result is looked at three more times, in case news of an audit got lost.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from django_faceauth.models import FaceAuthentication
from django_faceauth.statuses import AT_REST, DECIDED, AuthenticationStatus

#: Two questions about one authentication are at least this far apart (W-08).
PULL_INTERVAL: Final = timedelta(seconds=2)
#: An answer that has not come by now never will: longer than one exchange may take.
PULL_TIMEOUT: Final = timedelta(seconds=20)
#: When the budget was used up, it is worth another look after this.
TURN: Final = timedelta(seconds=5)
#: A row that somebody has taken on is left to them for this long.
LEASE: Final = timedelta(seconds=60)

BRISK_UNTIL: Final = timedelta(minutes=10)
BRISK: Final = (PULL_INTERVAL, timedelta(seconds=60))
SPARSE: Final = (timedelta(minutes=5), timedelta(hours=6))

#: Times after the decision at which it is held against the provider's audit (D-10).
AUDITS: Final = (timedelta(hours=1), timedelta(hours=24), timedelta(days=7))

#: Questions in the life of an authentication; some are kept for the audits.
MOST_PULLS: Final = 40
MOST_POLLS: Final = MOST_PULLS - len(AUDITS)


def next_poll(row: FaceAuthentication, *, now: datetime) -> datetime | None:
    """Return when to ask again about `row`, None when there is nothing to wait for."""
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


def after_change(row: FaceAuthentication, *, now: datetime) -> datetime | None:
    """Return when to ask again about a row whose status has just changed.

    Soon, even when nothing more will come: until the news has been acted upon, somebody
    has to come back, should the process end here.
    """
    if row.status == AuthenticationStatus.CREATED:
        return None  # we made it ourselves, and there is nothing to act upon
    return now + jittered(PULL_INTERVAL)


def again(row: FaceAuthentication, *, now: datetime) -> datetime:
    """Return when to ask again about a row of which there is more to learn."""
    return now + jittered(pause_after(now - (row.last_change_at or now)))


def pause_after(quiet: timedelta) -> timedelta:
    """Return how long to wait after nothing has happened for `quiet`."""
    shortest, longest = BRISK if quiet < BRISK_UNTIL else SPARSE
    return min(max(quiet / 4, shortest), longest)


def jittered(pause: timedelta) -> timedelta:
    """Return up to a fifth less than `pause`, so that what began together spreads out."""
    return max(pause * random.uniform(0.8, 1.0), PULL_INTERVAL)  # noqa: S311 - no secret
