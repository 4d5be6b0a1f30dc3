"""The state machine of a face authentication."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from django_faceauth.simulator import state_machine
from django_faceauth.simulator.scenarios import CHOICES, CLOSED, Outcome, inconclusive
from django_faceauth.simulator.state_machine import AttemptRequest, Case, NotAllowed, Unknown, Visit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
CHECK_TIME = 2 * SECOND
REQUEST = AttemptRequest(
    redirect_url="https://bank.example/back",
    phone_number={"country_code": "+33", "number": "612345678"},
)
VISIT = Visit(ip_address="192.0.2.7", user_agent="Firefox", initial_device="desktop")


def created() -> Case:
    return state_machine.create("fav_1", applicant_id="aplt_a", user_journey_id="usj_a", now=NOON)


def pending() -> Case:
    return state_machine.add_attempt(created(), "fatp_1", REQUEST, NOON)


def capturing() -> Case:
    return state_machine.open_capture(pending(), "fatp_1", VISIT, NOON)


def captured(outcome: Outcome = CHOICES["same_person"]) -> Case:
    return state_machine.finish_capture(
        capturing(), "fatp_1", outcome, check_time=CHECK_TIME, now=NOON
    )


def decided(outcome: Outcome = CHOICES["same_person"]) -> Case:
    return state_machine.advance(captured(outcome), NOON + CHECK_TIME)


def facts(case: Case) -> tuple[str, int | None, str, int | None]:
    newest = case.attempts[-1]
    return case.status, case.code, newest.status, newest.code


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (pending(), ("pending", None, "pending_redirection", None)),
        (capturing(), ("capture_in_progress", None, "capture_in_progress", None)),
        (captured(), ("checks_in_progress", None, "checks_in_progress", None)),
        (decided(), ("approved", 10000, "completed", 10000)),
        (decided(CHOICES["someone_else"]), ("declined", 62321, "completed", 62321)),
        (
            decided(inconclusive(61401)),
            ("retry_required", 61401, "checks_inconclusive", 61401),
        ),
        (decided(CLOSED), ("inconclusive", 64001, "checks_inconclusive", 64001)),
        # A capture without a face ends at once.
        (captured(CHOICES["no_camera"]), ("retry_required", 61203, "capture_aborted", 61203)),
        (captured(CHOICES["leave"]), ("retry_required", 61121, "capture_aborted", 61121)),
        (captured(CHOICES["refuse"]), ("refused", 63001, "capture_refused", 63001)),
    ],
)
def test_each_step_and_outcome(
    case: Case, expected: tuple[str, int | None, str, int | None]
) -> None:
    assert facts(case) == expected


def test_opening_the_link_again_is_one_more_session_on_the_same_attempt() -> None:
    phone = Visit(ip_address="192.0.2.8", user_agent="Mobile", initial_device="mobile")

    case = state_machine.open_capture(capturing(), "fatp_1", phone, NOON + MINUTE)

    assert case.attempts[0].visit == Visit(
        ip_address="192.0.2.8",
        user_agent="Mobile",
        initial_device="desktop",
        number_of_sessions=2,
    )


@pytest.mark.parametrize(
    ("case", "due_on"),
    [
        (created(), None),
        (pending(), NOON + 15 * MINUTE),
        (capturing(), NOON + 15 * MINUTE),
        (
            state_machine.open_capture(pending(), "fatp_1", VISIT, NOON + 14 * MINUTE),
            NOON + 29 * MINUTE,
        ),
        (captured(), NOON + CHECK_TIME),
        (decided(), None),
    ],
)
def test_time_alone_changes_a_case_when_it_is_due(case: Case, due_on: datetime | None) -> None:
    assert state_machine.due_on(case) == due_on
    if due_on:
        assert state_machine.advance(case, due_on - SECOND) is case
        later = state_machine.advance(case, NOON + timedelta(days=1))
        assert later.modified_on == later.attempts[-1].modified_on == due_on


@pytest.mark.parametrize("build", [pending, capturing])
def test_a_new_attempt_terminates_the_open_one(build: Callable[[], Case]) -> None:
    case = state_machine.add_attempt(build(), "fatp_2", REQUEST, NOON + MINUTE)

    assert [attempt.status for attempt in case.attempts] == ["terminated", "pending_redirection"]
    assert case.status == "pending"


def test_a_retry_leaves_the_earlier_attempt_as_it_ended() -> None:
    case = state_machine.add_attempt(captured(CHOICES["no_camera"]), "fatp_2", REQUEST, NOON)

    assert [attempt.status for attempt in case.attempts] == [
        "capture_aborted",
        "pending_redirection",
    ]
    assert (case.status, case.code) == ("pending", None)


@pytest.mark.parametrize(
    "case",
    [
        captured(),
        decided(),
        decided(CHOICES["someone_else"]),
        captured(CHOICES["refuse"]),
        decided(CLOSED),
    ],
    ids=lambda case: case.status,
)
def test_a_case_that_is_decided_or_being_decided_takes_no_attempt(case: Case) -> None:
    with pytest.raises(NotAllowed):
        state_machine.add_attempt(case, "fatp_2", REQUEST, NOON)


@pytest.mark.parametrize("case", [captured(), decided()], ids=lambda case: case.status)
def test_a_used_link_is_dead(case: Case) -> None:
    with pytest.raises(NotAllowed):
        state_machine.open_capture(case, "fatp_1", VISIT, NOON)
    with pytest.raises(NotAllowed):
        state_machine.finish_capture(
            case, "fatp_1", CHOICES["leave"], check_time=CHECK_TIME, now=NOON
        )


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (pending(), ("retry_required", 61101, "expired", 61101)),
        (capturing(), ("retry_required", 61121, "capture_aborted", 61121)),
    ],
)
def test_an_open_link_expires_with_time_or_on_demand(
    case: Case, expected: tuple[str, int, str, int]
) -> None:
    assert facts(state_machine.advance(case, NOON + 15 * MINUTE)) == expected

    case = state_machine.expire(case, NOON + MINUTE)
    assert facts(case) == expected
    assert case.modified_on == NOON + MINUTE


@pytest.mark.parametrize("build", [created, captured, decided])
def test_without_an_open_link_nothing_expires(build: Callable[[], Case]) -> None:
    with pytest.raises(NotAllowed):
        state_machine.expire(build(), NOON + MINUTE)


@pytest.mark.parametrize(
    ("before", "after"), [("same_person", "someone_else"), ("someone_else", "same_person")]
)
def test_an_audit_changes_a_result(before: str, after: str) -> None:
    case = state_machine.audit(decided(CHOICES[before]), CHOICES[after], NOON + MINUTE)

    code = CHOICES[after].code
    assert facts(case) == (CHOICES[after].authentication, code, "completed", code)
    assert case.modified_on == case.attempts[-1].modified_on == NOON + MINUTE


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (created(), CHOICES["same_person"]),
        (capturing(), CHOICES["same_person"]),
        (captured(), CHOICES["same_person"]),
        (decided(CLOSED), CHOICES["same_person"]),
        (decided(), CHOICES["refuse"]),
        (state_machine.anonymize(decided(), NOON + MINUTE), CHOICES["someone_else"]),
    ],
)
def test_only_a_result_that_can_still_be_seen_is_audited(case: Case, outcome: Outcome) -> None:
    with pytest.raises(NotAllowed):
        state_machine.audit(case, outcome, NOON + MINUTE)


def test_an_unknown_attempt_is_an_error() -> None:
    with pytest.raises(Unknown):
        pending().attempt("fatp_2")


def test_anonymizing_waits_for_the_checks() -> None:
    with pytest.raises(NotAllowed):
        state_machine.anonymize(captured(), NOON)


@pytest.mark.parametrize("build", [created, pending, capturing])
def test_anonymizing_closes_an_open_case(build: Callable[[], Case]) -> None:
    case = state_machine.anonymize(build(), NOON + MINUTE)

    assert (case.status, case.code) == ("inconclusive", 64001)
    assert all(attempt.status == "terminated" for attempt in case.attempts)


def test_anonymizing_keeps_the_decision_and_forgets_the_user() -> None:
    case = state_machine.anonymize(decided(), NOON + MINUTE)

    assert facts(case) == ("approved", 10000, "completed", 10000)
    assert case.modified_on == NOON + MINUTE
    assert case.attempts[0].visit is None
    assert case.attempts[0].request == AttemptRequest(redirect_url="https://bank.example/back")
    assert state_machine.anonymize(case, NOON + 2 * MINUTE) is case
