"""Test scenarios of the provider: outcomes that an applicant id decides.

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

# Real ids consist of a-z and 2-7, so none of them is a scenario by accident.
SCENARIO: Final = re.compile(
    r"aplt_((?P<code>61\d{3})(?P<how>[AI]))?(?P<final>10000|62\d{3}|63001|64001)0*",
    re.ASCII,
)
FIRST: Final[Mapping[str, Callable[[int], Outcome]]] = {"A": aborted, "I": inconclusive}
FINAL: Final[Mapping[str, Outcome]] = {"10000": APPROVED, "63001": REFUSED, "64001": CLOSED}


def scenario_for(applicant_id: str) -> tuple[Outcome, ...]:
    """Return the outcomes of this applicant's captures in turn; empty without a scenario."""
    found = SCENARIO.fullmatch(applicant_id)
    if found is None:
        return ()
    final = FINAL.get(found["final"]) or declined(int(found["final"]))
    if found["how"] is None:
        return (final,)
    return (FIRST[found["how"]](int(found["code"])), final)


def outcome_for(case: Case, choice: str) -> Outcome:
    """Return the outcome of the next capture: that of the scenario, or else the choice."""
    scenario = scenario_for(case.applicant_id)
    if not scenario:
        return CHOICES[choice]
    return scenario[: case.captures + 1][-1]  # the last outcome is repeated
