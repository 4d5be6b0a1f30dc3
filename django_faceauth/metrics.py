"""What this process has counted since it started; `services.health` adds what the rows tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

counts: Final[Counter[str]] = Counter()

#: All there is to count, and the words that may follow a dot: monitoring knows them beforehand.
COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "challenge_revoked": (),
    "limited": ("lockout", "reported", "session", "site", "user"),
    "sequence_fail": (),
    "unforeseen": (),
    "webhook_not_kept": (),
    "webhook_rejected": (
        *("authorization", "incomplete", "malformed", "missing", "network"),
        *("no_length", "no_match"),
    ),
    "webhook_unusable": (),
}

#: Who is told of each count as well, such as `prometheus`.
listeners: Final[list[Callable[[str], None]]] = []


def count(name: str) -> None:
    """Count one more of `name`, such as `webhook_rejected.no_match`."""
    counts[name] += 1
    for listener in listeners:
        listener(name)
