"""What the provider does of its own accord, on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from django_faceauth.simulator import machine, store
from django_faceauth.simulator.machine import Case
from django_faceauth.simulator.outcomes import APPROVED, CHOICES, declined


def act(action: str, case_id: str, code: int | None, now: datetime) -> Case:
    """Do something to a case; raises `Unknown` or `NotAllowed`."""
    another = declined(code) if code else CHOICES["someone_else"]
    steps: Mapping[str, Callable[..., Case]] = {
        "approved": partial(machine.audit, outcome=APPROVED),
        "declined": partial(machine.audit, outcome=another),
        "anonymize": machine.anonymize,
        "expire": machine.expire,
    }
    return store.change(case_id, partial(steps[action], now=now), now)
