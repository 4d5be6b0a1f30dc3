"""Observations of requests, for the doctor.

Any client can send such a request, so each is one value in the cache, for a day, and no row.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.core.cache import cache

KEPT: Final = timedelta(days=1)


class Observation(StrEnum):
    """Misconfigurations that only a request shows."""

    WEBHOOK_WITHOUT_LENGTH = "faceauth.webhook_without_length"
    PLAIN_RETURN_URL = "faceauth.plain_return_url"


def note(observation: Observation, now: datetime) -> None:
    """Remember an observation; without a cache it is lost."""
    with suppress(Exception):  # each cache fails in its own way
        cache.set(observation, now, KEPT.total_seconds())


def last(observation: Observation) -> datetime | None:
    """Return when it was observed last, within a day."""
    moment: datetime | None = None
    with suppress(Exception):
        moment = cache.get(observation)
    return moment
