"""What this process has counted since it started; `services.health` adds what the rows tell."""

from __future__ import annotations

from collections import Counter
from typing import Final

counts: Final[Counter[str]] = Counter()


def count(name: str) -> None:
    """Count one more of `name`, such as `webhook_rejected.no_match`."""
    counts[name] += 1
