from __future__ import annotations

import pytest
from time_machine import Traveller

from django_faceauth.simulator.capture_driver import CaptureDriver
from tests.simulator.merchant import Merchant

SCENARIOS = {
    "10000": [("approved", 10000)],
    "61203A10000": [("retry_required", 61203), ("approved", 10000)],
    "61401I10000": [("retry_required", 61401), ("approved", 10000)],
    "62321": [("declined", 62321)],
    "61121A62305": [("retry_required", 61121), ("declined", 62305)],
    "61410I62403": [("retry_required", 61410), ("declined", 62403)],
    "63001": [("refused", 63001)],
    "64001": [("inconclusive", 64001)],
}


@pytest.mark.parametrize(("tail", "ends"), SCENARIOS.items(), ids=list(SCENARIOS))
@pytest.mark.parametrize("choice", ["same_person", "someone_else", "leave"])
def test_the_script_decides_whatever_the_person_does(
    merchant: Merchant,
    visitor: CaptureDriver,
    clock: Traveller,
    tail: str,
    ends: list[tuple[str, int]],
    choice: str,
) -> None:
    fav = merchant.create(f"aplt_{tail:0<26}")

    seen = []
    for _ in ends:
        visitor.show_face(merchant.capture_url(fav), choice)
        clock.shift(2)
        told = merchant.read(fav)
        seen.append((told["status"], told["response_codes"][0]["code"]))

    assert seen == ends


def test_attempts_that_nobody_opened_do_not_use_up_the_script(
    merchant: Merchant, visitor: CaptureDriver, clock: Traveller
) -> None:
    fav = merchant.create("aplt_61203A10000")
    merchant.attempt(fav)
    clock.shift(3600)
    merchant.attempt(fav)

    visitor.show_face(merchant.capture_url(fav))

    assert merchant.read(fav)["response_codes"][0]["code"] == 61203


@pytest.mark.parametrize(
    ("choice", "end"),
    [
        ("same_person", ("approved", 10000)),
        ("someone_else", ("declined", 62321)),
        ("no_camera", ("retry_required", 61203)),
        ("leave", ("retry_required", 61121)),
        ("refuse", ("refused", 63001)),
    ],
)
def test_any_other_applicant_chooses(
    merchant: Merchant, visitor: CaptureDriver, clock: Traveller, choice: str, end: tuple[str, int]
) -> None:
    fav = merchant.create()

    visitor.show_face(merchant.capture_url(fav), choice)
    clock.shift(2)

    told = merchant.read(fav)
    assert (told["status"], told["response_codes"][0]["code"]) == end
