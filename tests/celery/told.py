"""What signals tell, in whichever process: a line of JSON each, in one file."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.models import Model

from django_faceauth import signals

VARIABLE = "SITE_TOLD"


def read(path: Path) -> Counter[tuple[object, ...]]:
    """Return how often each thing was told: (signal, primary key, previous, status)."""
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(tuple(json.loads(line)) for line in lines)


def _writing(name: str, subject: str) -> Callable[..., None]:
    def receiver(**facts: Any) -> None:
        row: Model = facts[subject]
        told = [name, row.pk, facts.get("previous", ""), facts.get("status", "")]
        # One write in append mode: lines of several processes do not mix.
        with Path(os.environ[VARIABLE]).open("ab", buffering=0) as file:
            file.write(json.dumps(told).encode() + b"\n")

    return receiver


if VARIABLE in os.environ:
    signals.status_changed.connect(_writing("status_changed", "authentication"), weak=False)
    for kind in ("challenge_granted", "challenge_refused", "challenge_revoked"):
        getattr(signals, kind).connect(_writing(kind, "challenge"), weak=False)
