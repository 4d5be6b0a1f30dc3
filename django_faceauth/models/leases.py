"""Moments that keep others away for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q


def lock_expired(name: str, *, lease: timedelta, now: datetime) -> Q:
    """Return the condition that the moment in the column `name` keeps nobody away any more.

    A moment well ahead of now does not either: it was written before the clock was set back.
    """
    return (
        Q(**{name: None}) | Q(**{f"{name}__lte": now - lease}) | Q(**{f"{name}__gt": now + lease})
    )
