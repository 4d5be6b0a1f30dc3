"""One entry of the explanations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a finding means, why it matters, what to do about it, and where to read on.

    `page` is a file of the documentation, under `docs/`.
    """

    meaning: str
    why: str
    fix: str
    page: str
