"""What `faceauth_doctor` tells: one finding for each thing that was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was looked at: how it is, in plain words, and what to do about it.

    `id` is that of the system check, or one word for what was looked at.
    """

    level: Level
    id: str
    text: str
    fix: str = ""


Findings = Iterator[CheckResult]
ok = partial(CheckResult, Level.OK)
warning = partial(CheckResult, Level.WARNING)
problem = partial(CheckResult, Level.PROBLEM)
