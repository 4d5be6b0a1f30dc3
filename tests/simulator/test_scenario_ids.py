from __future__ import annotations

import pytest

from django_faceauth.simulator.outcomes import (
    APPROVED,
    CLOSED,
    REFUSED,
    Outcome,
    aborted,
    declined,
    inconclusive,
    summary_of,
)
from django_faceauth.simulator.scenarios import scenario_for


@pytest.mark.parametrize(
    ("tail", "script"),
    [
        ("10000", (APPROVED,)),
        ("61203A10000", (aborted(61203), APPROVED)),
        ("61401I10000", (inconclusive(61401), APPROVED)),
        ("62321", (declined(62321),)),
        ("61203A62305", (aborted(61203), declined(62305))),
        ("61401I62305", (inconclusive(61401), declined(62305))),
        ("63001", (REFUSED,)),
        ("64001", (CLOSED,)),
        ("61121A63001", (aborted(61121), REFUSED)),
    ],
)
def test_an_applicant_id_tells_how_its_captures_end(tail: str, script: tuple[Outcome, ...]) -> None:
    assert scenario_for(f"aplt_{tail:0<26}") == script
    assert scenario_for(f"aplt_{tail}") == script


@pytest.mark.parametrize(
    "applicant_id",
    [
        "aplt_tkoi5db4hryu5cei5vwoabr7we",
        "aplt_" + "a" * 26,
        "aplt_61203A",
        "aplt_61203",
        "aplt_61203B1000000000000000000",
        "aplt_1000000000000000000000001",
        "aplt_63002000000000000000000000",
        "aplt_",
        "",
    ],
)
def test_any_other_applicant_is_not_scripted(applicant_id: str) -> None:
    assert scenario_for(applicant_id) == ()


def test_a_code_that_is_in_no_table_has_a_summary_too() -> None:
    assert summary_of(62999) == "unlisted"
