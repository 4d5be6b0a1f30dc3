"""Tolerances between clocks.

Three kinds of clock take part: that of the server which handles the request, those of the
site's other servers, whose moments are in the rows, and the provider's. None of them is ever
exactly right. A moment that is a little ahead of now counts as now. One that is further ahead
was written by a wrong clock: from our own servers it opens nothing, from outside it counts as
not given.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

#: The largest difference that is tolerated, between any two clocks.
ALLOWED_SKEW: Final = timedelta(seconds=60)

#: No moment from outside lies before or after these: arithmetic and time zones stay in range.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def is_ahead(moment: datetime, *, now: datetime) -> bool:
    """Return whether a moment is further ahead of `now` than clocks may be apart."""
    return moment > now + ALLOWED_SKEW


def in_range(moment: datetime | None) -> datetime | None:
    """Return an aware moment from outside in UTC, or None for an implausible one."""
    if moment is None or not EARLIEST <= moment < LATEST:
        return None
    return moment.astimezone(UTC)


def given(moment: datetime | None, *, now: datetime) -> datetime | None:
    """Return a moment from outside, or None when it does not count at `now`."""
    plausible = in_range(moment)
    return None if plausible is None or is_ahead(plausible, now=now) else plausible
