"""The sweeper of the site, a step at a time."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from django.utils import timezone

from django_faceauth.beat import SWEEP_INTERVAL
from django_faceauth.services.background import sweep, webhook_events


def sweep_once() -> sweep.Due:
    """Take up all that is due now, as `faceauth_sync` does."""
    now = timezone.now()
    due = sweep.claim_due(now=now)
    for pk in due.events:
        webhook_events.process(pk, now=now)
    for pk in due.authentications:
        sweep.poll(pk, now=now)
    sweep.close_expired(now=now)
    return due


def sweep_for(clock: time_machine.Coordinates, time: timedelta) -> None:
    """Sweep every five seconds for some time; sixty times suffice for a long one."""
    step = max(timedelta(seconds=SWEEP_INTERVAL), time / 60)
    for _ in range(time // step):
        clock.shift(step)
        sweep_once()
