"""Outcomes that an applicant id decides in advance (the provider's test scenarios).

`aplt_61203A10000000…` is aborted with 61203, then approved on retry. The provider
documents the convention for its `external_applicant_id`; here the applicant id carries it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from django_faceauth.simulator.outcomes import (
    APPROVED,
    CHOICES,
    CLOSED,
    REFUSED,
    Outcome,
    aborted,
    declined,
    inconclusive,
)
from django_faceauth.simulator.state_machine import Case

Script = tuple[Outcome, ...]

# Real ids are of a-z and 2-7, so none of them is a script by accident.
SCRIPTED: Final = re.compile(
    r"aplt_((?P<code>61\d{3})(?P<how>[AI]))?(?P<final>10000|62\d{3}|63001|64001)0*",
    re.ASCII,
)
FIRST: Final[Mapping[str, Callable[[int], Outcome]]] = {"A": aborted, "I": inconclusive}
FINAL: Final[Mapping[str, Outcome]] = {"10000": APPROVED, "63001": REFUSED, "64001": CLOSED}


def script_for(applicant_id: str) -> Script:
    """Return how the captures of this applicant end, one after the other; empty if unscripted."""
    found = SCRIPTED.fullmatch(applicant_id)
    if found is None:
        return ()
    final = FINAL.get(found["final"]) or declined(int(found["final"]))
    if found["how"] is None:
        return (final,)
    return (FIRST[found["how"]](int(found["code"])), final)


def outcome_for(case: Case, choice: str) -> Outcome:
    """Return how the next capture of a case ends: as scripted, or else as the person chose."""
    script = script_for(case.applicant_id)
    if not script:
        return CHOICES[choice]
    return script[: case.captures + 1][-1]  # the final outcome holds for whatever follows
