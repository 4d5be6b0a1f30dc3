"""Outcomes that an applicant id decides, and the webhooks on the way."""

from __future__ import annotations

import pytest

CAPTURED = "capture_completed"
INCONCLUSIVE = [CAPTURED, "checks_inconclusive"]
CHECKED = [CAPTURED, "checks_completed"]
#: For each capture: status, response code, and the events that follow its start.
SCENARIOS = {
    "10000": [("approved", 10000, CHECKED)],
    "61203A10000": [("retry_required", 61203, ["capture_aborted"]), ("approved", 10000, CHECKED)],
    "61401I10000": [("retry_required", 61401, INCONCLUSIVE), ("approved", 10000, CHECKED)],
    "62321": [("declined", 62321, CHECKED)],
    "61121A62305": [("retry_required", 61121, ["capture_aborted"]), ("declined", 62305, CHECKED)],
    "61410I62403": [("retry_required", 61410, INCONCLUSIVE), ("declined", 62403, CHECKED)],
    "61121A63001": [
        ("retry_required", 61121, ["capture_aborted"]),
        ("refused", 63001, ["capture_refused"]),
    ],
    "63001": [("refused", 63001, ["capture_refused"])],
    "64001": [("inconclusive", 64001, [CAPTURED, "closed"])],
}


@pytest.mark.parametrize(("tail", "ends"), SCENARIOS.items(), ids=list(SCENARIOS))
@pytest.mark.parametrize(
    ("declared", "is_external", "choice"),
    [
        ({}, False, "leave"),
        ({"name": "Hannah Bret"}, False, "same_person"),
        ({"name": "Hannah Bret"}, True, "someone_else"),
    ],
)
def test_the_scenario_decides_whatever_the_user_chooses(
    merchant, visitor, clock, site, tail, ends, declared, is_external, choice
):
    applicant_id = f"aplt_{tail:0<26}"
    external = {"external_applicant_id": f"e{applicant_id}"} if is_external else {}
    if external:
        applicant_id = merchant.call("POST", "applicants", json=external).json()["id"]
    case_id = merchant.create(applicant_id, **declared)
    kind = "identity_verification" if declared else "face_authentication"
    assert site.is_told() == ["created"]

    for number, (status, code, events) in enumerate(ends):
        back = visitor.show_face(merchant.capture_url(case_id), choice)
        first, second, *rest = site.is_told()
        clock.shift(2)

        assert f"id={case_id}&event={kind}_" in back
        assert (first, second) == ("retry_requested" if number else "opened", "started")
        assert rest + site.is_told() == events
        newest = site.received[-1].event["data"]
        shown = merchant.read(case_id)
        assert (shown["status"], shown["response_codes"][0]["code"]) == (status, code)
        assert newest == {
            f"{kind}_id": case_id,
            **{name: shown[name] for name in ("applicant_id", "user_journey_id")},
            **{name: shown[name] for name in ("status", "response_codes")},
            **external,
        }
        has_face = status in {"approved", "declined"}
        assert ("face" in shown) == has_face
        assert ("documents" in shown) == (has_face and kind == "identity_verification")
        assert shown.get("declared_data", {}) == declared
