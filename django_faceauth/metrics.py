"""Counters of this process; `services.monitoring.health` reads the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

counts: Final[Counter[str]] = Counter()

#: All counters, and the words that may follow a dot: monitoring knows them beforehand.
COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "challenge_revoked": (),
    "gate": (
        *("anonymous", "changed", "exempt", "fresh", "impersonated", "in_advance", "inactive"),
        *("not_enrolled", "not_required", "not_shown", "other_method", "revoked", "stale"),
        *("superseded", "used"),
    ),
    "limited": ("enrolment", "lockout", "reported", "session", "site", "sms", "user"),
    "sequence_fail": (),
    "unforeseen": (),
    "webhook_not_kept": (),
    "webhook_rejected": (
        *("authorization", "incomplete", "malformed", "missing", "no_length"),
        "no_match",
    ),
    "webhook_unusable": (),
}

#: Called with the name of each count, such as by `prometheus`.
listeners: Final[list[Callable[[str], None]]] = []


def count(name: str) -> None:
    """Count one more of `name`, such as `webhook_rejected.no_match`."""
    counts[name] += 1
    for listener in listeners:
        listener(name)
