"""Durations and rate limits, parsed and formatted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

UNITS: Final[Mapping[str, timedelta]] = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in any `period`; its text is as in settings, such as `3/10m`."""

    count: int
    period: timedelta

    def __str__(self) -> str:
        """Return the limit with the largest unit that divides its period."""
        unit = next(name for name in reversed([*UNITS]) if not self.period % UNITS[name])
        number = self.period // UNITS[unit]
        return f"{self.count}/{number if number > 1 else ''}{unit}"


def as_limit(text: str) -> Limit:
    """Parse a limit such as `3/10m` or `1000/h`; raise `ValueError`."""
    match = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,4})?([smhd])", text, re.ASCII)
    if match is None:
        raise ValueError("a limit is a number and a period, such as 3/10m")
    count, number, unit = match.groups()
    return Limit(int(count), int(number or 1) * UNITS[unit])


def as_period(text: str) -> timedelta:
    """Parse a period such as `90d` or `36h`; raise `ValueError`."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text, re.ASCII)
    if match is None:
        raise ValueError("a period is a number and a unit, such as 90d")
    return int(match[1]) * UNITS[match[2]]


def as_duration(value: float | timedelta) -> timedelta:
    """Return seconds or a `timedelta` as a `timedelta`.

    Raises `TypeError`, `ValueError` or `OverflowError` for anything else.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a duration is seconds or a timedelta")
    return timedelta(seconds=value)


def in_words(time: timedelta) -> str:
    """Return a duration in the active language, in at most two units."""
    seconds = time.total_seconds()
    if seconds < 10:
        return _("%(number)s s") % {"number": number_format(round(seconds, 1), 1)}
    whole = round(seconds)
    if whole < 60:
        return _("%(number)s s") % {"number": whole}
    minutes, seconds = divmod(whole, 60)
    if minutes < 60:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
