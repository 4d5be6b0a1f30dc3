from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from django_faceauth.simulator import state_machine
from django_faceauth.simulator.outcomes import CHOICES, CLOSED, Outcome, inconclusive
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


def test_a_new_case_has_no_attempt() -> None:
    case = created()

    assert case.status == "created"
    assert case.attempts == ()


def test_the_first_attempt_waits_for_the_person() -> None:
    assert facts(pending()) == ("pending", None, "pending_redirection", None)


def test_opening_the_link_starts_the_capture() -> None:
    assert facts(capturing()) == ("capture_in_progress", None, "capture_in_progress", None)


def test_opening_the_link_again_is_one_more_session_on_the_same_attempt() -> None:
    phone = Visit(ip_address="192.0.2.8", user_agent="Mobile", initial_device="mobile")

    case = state_machine.open_capture(capturing(), "fatp_1", phone, NOON + MINUTE)

    assert case.attempts[0].visit == Visit(
        ip_address="192.0.2.8",
        user_agent="Mobile",
        initial_device="desktop",
        number_of_sessions=2,
    )


@pytest.mark.parametrize("choice", ["same_person", "someone_else"])
def test_a_face_is_checked_before_it_is_decided(choice: str) -> None:
    case = captured(CHOICES[choice])

    assert facts(case) == ("checks_in_progress", None, "checks_in_progress", None)
    assert state_machine.advance(case, NOON + CHECK_TIME - SECOND) is case


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (CHOICES["same_person"], ("approved", 10000, "completed", 10000)),
        (CHOICES["someone_else"], ("declined", 62321, "completed", 62321)),
        (inconclusive(61401), ("retry_required", 61401, "checks_inconclusive", 61401)),
        (CLOSED, ("inconclusive", 64001, "checks_inconclusive", 64001)),
    ],
)
def test_checks_end_when_they_are_due(
    outcome: Outcome, expected: tuple[str, int, str, int]
) -> None:
    assert facts(decided(outcome)) == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("no_camera", ("retry_required", 61203, "capture_aborted", 61203)),
        ("leave", ("retry_required", 61121, "capture_aborted", 61121)),
        ("refuse", ("refused", 63001, "capture_refused", 63001)),
    ],
)
def test_a_capture_without_a_face_ends_at_once(
    choice: str, expected: tuple[str, int, str, int]
) -> None:
    assert facts(captured(CHOICES[choice])) == expected


def test_a_decision_is_dated_when_it_was_due_not_when_somebody_looked() -> None:
    case = state_machine.advance(captured(), NOON + timedelta(days=1))

    assert case.modified_on == NOON + CHECK_TIME
    assert case.attempts[-1].modified_on == NOON + CHECK_TIME


def test_a_link_that_nobody_opens_expires() -> None:
    case = state_machine.advance(pending(), NOON + 15 * MINUTE)

    assert facts(case) == ("retry_required", 61101, "expired", 61101)


def test_a_link_lives_until_the_last_second() -> None:
    case = pending()

    assert state_machine.advance(case, NOON + 15 * MINUTE - SECOND) is case


def test_a_capture_page_that_somebody_walks_away_from_is_aborted() -> None:
    case = state_machine.advance(capturing(), NOON + 15 * MINUTE)

    assert facts(case) == ("retry_required", 61121, "capture_aborted", 61121)


def test_a_person_on_the_page_keeps_the_link_alive() -> None:
    case = state_machine.open_capture(pending(), "fatp_1", VISIT, NOON + 14 * MINUTE)

    assert state_machine.advance(case, NOON + 16 * MINUTE) is case


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
    ("build", "expected"),
    [
        (pending, ("retry_required", 61101, "expired", 61101)),
        (capturing, ("retry_required", 61121, "capture_aborted", 61121)),
    ],
)
def test_an_open_link_can_be_made_to_expire_before_its_time(
    build: Callable[[], Case], expected: tuple[str, int, str, int]
) -> None:
    case = state_machine.expire(build(), NOON + MINUTE)

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


@pytest.mark.parametrize(
    ("build", "due_on"),
    [
        (created, None),
        (pending, NOON + 15 * MINUTE),
        (capturing, NOON + 15 * MINUTE),
        (captured, NOON + CHECK_TIME),
        (decided, None),
    ],
)
def test_a_case_knows_when_time_alone_will_change_it(
    build: Callable[[], Case], due_on: datetime | None
) -> None:
    assert state_machine.due_on(build()) == due_on


def test_an_attempt_of_another_case_is_unknown() -> None:
    with pytest.raises(Unknown):
        pending().attempt("fatp_2")


def test_anonymizing_waits_for_the_checks() -> None:
    with pytest.raises(NotAllowed):
        state_machine.anonymize(captured(), NOON)


@pytest.mark.parametrize("build", [created, pending, capturing])
def test_anonymizing_closes_a_case_that_was_open(build: Callable[[], Case]) -> None:
    case = state_machine.anonymize(build(), NOON + MINUTE)

    assert (case.status, case.code) == ("inconclusive", 64001)
    assert all(attempt.status == "terminated" for attempt in case.attempts)


def test_anonymizing_keeps_what_was_decided() -> None:
    case = state_machine.anonymize(decided(), NOON + MINUTE)

    assert facts(case) == ("approved", 10000, "completed", 10000)
    assert case.modified_on == NOON + MINUTE


def test_anonymizing_forgets_the_person_but_not_the_site() -> None:
    attempt = state_machine.anonymize(decided(), NOON + MINUTE).attempts[0]

    assert attempt.visit is None
    assert attempt.request == AttemptRequest(redirect_url="https://bank.example/back")


def test_anonymizing_twice_changes_nothing() -> None:
    once = state_machine.anonymize(decided(), NOON + MINUTE)

    assert state_machine.anonymize(once, NOON + 2 * MINUTE) is once
