"""What the provider does of its own accord, on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from django_faceauth.simulator import state_machine, store
from django_faceauth.simulator.outcomes import APPROVED, CHOICES, declined
from django_faceauth.simulator.state_machine import Case


def act(action: str, case_id: str, code: int | None, now: datetime) -> Case:
    """Do something to a case; raises `Unknown` or `NotAllowed`."""
    another = declined(code) if code else CHOICES["someone_else"]
    steps: Mapping[str, Callable[..., Case]] = {
        "approved": partial(state_machine.audit, outcome=APPROVED),
        "declined": partial(state_machine.audit, outcome=another),
        "anonymize": state_machine.anonymize,
        "expire": state_machine.expire,
    }
    return store.change(case_id, partial(steps[action], now=now), now)
