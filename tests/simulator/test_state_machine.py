"""The state machine under any sequence of steps."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from django_faceauth.simulator import state_machine, store, webhook_queue
from django_faceauth.simulator.scenarios import CHOICES, CLOSED, Outcome, inconclusive
from django_faceauth.simulator.state_machine import AttemptRequest, Case, NotAllowed, Visit

REQUEST = AttemptRequest(redirect_url="https://bank.example/back")
VISIT = Visit(ip_address="192.0.2.7", user_agent="Firefox", initial_device="desktop")

FINAL = {"approved", "declined", "refused", "inconclusive"}
RETRY_OR_END = {"retry_required", "refused", "approved", "declined", "inconclusive"}
FOLLOWERS = {
    "created": {"pending", "inconclusive"},
    "pending": {"pending", "capture_in_progress", "checks_in_progress", *RETRY_OR_END},
    "capture_in_progress": {"pending", "checks_in_progress", *RETRY_OR_END},
    "checks_in_progress": {"approved", "declined", "retry_required", "inconclusive"},
    "retry_required": {"pending", "inconclusive"},
    **{status: set[str]() for status in FINAL},
    # Audits change their minds.
    "approved": {"declined"},
    "declined": {"approved"},
}
#: The statuses that an event can bring.
BRINGS = {
    "opened": {"pending"},
    "started": {"capture_in_progress"},
    "reset": {"pending"},
    "retry_requested": {"pending"},
    "capture_completed": {"checks_in_progress"},
    "checks_completed": {"approved", "declined"},
    "capture_aborted": {"retry_required"},
    "checks_inconclusive": {"retry_required"},
    "link_expired": {"retry_required"},
    "capture_refused": {"refused"},
    "closed": {"inconclusive"},
    "audit_completed": {"approved", "declined"},
    "anonymized": FINAL | {"retry_required"},
}
#: What the newest attempt may be, by the status of the authentication.
NEWEST = {
    "pending": {"pending_redirection"},
    "capture_in_progress": {"capture_in_progress"},
    "checks_in_progress": {"checks_in_progress"},
    "approved": {"completed"},
    "declined": {"completed"},
    "retry_required": {"expired", "capture_aborted", "checks_inconclusive"},
    "refused": {"capture_refused"},
}

outcomes = st.sampled_from([*CHOICES.values(), inconclusive(61401), CLOSED])
pauses = st.integers(0, 1200).map(lambda seconds: timedelta(seconds=seconds))
attempt_ids = st.integers(0, 4).map("fatp_{}".format)


class Life(RuleBasedStateMachine):
    """One case, and whatever merchants, people and time may do to it, in any order."""

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)
        self.case = state_machine.create(
            "fav_1", applicant_id="aplt_a", user_journey_id="usj_a", now=self.now
        )

    @rule(pause=pauses)
    def wait(self, pause: timedelta) -> None:
        self.now += pause
        self.become(state_machine.advance(self.case, self.now))

    @rule()
    def add_attempt(self) -> None:
        attempt_id = f"fatp_{len(self.case.attempts)}"
        self.attempt(partial(state_machine.add_attempt, self.case, attempt_id, REQUEST, self.now))

    @rule(attempt_id=attempt_ids)
    def open_capture(self, attempt_id: str) -> None:
        self.attempt(partial(state_machine.open_capture, self.case, attempt_id, VISIT, self.now))

    @rule(attempt_id=attempt_ids, outcome=outcomes, seconds=st.integers(0, 60))
    def finish_capture(self, attempt_id: str, outcome: Outcome, seconds: int) -> None:
        self.attempt(
            partial(
                state_machine.finish_capture,
                self.case,
                attempt_id,
                outcome,
                check_time=timedelta(seconds=seconds),
                now=self.now,
            )
        )

    @rule()
    def expire(self) -> None:
        self.attempt(partial(state_machine.expire, self.case, self.now))

    @rule(outcome=outcomes)
    def audit(self, outcome: Outcome) -> None:
        self.attempt(partial(state_machine.audit, self.case, outcome, self.now))

    @rule()
    def anonymize(self) -> None:
        self.attempt(partial(state_machine.anonymize, self.case, self.now))

    @precondition(lambda self: self.case.status in FINAL)
    @rule()
    def ask_again_after_the_end(self) -> None:
        with pytest.raises(NotAllowed):
            state_machine.add_attempt(self.case, "fatp_late", REQUEST, self.now)

    def attempt(self, step: partial[Case]) -> None:
        with suppress(NotAllowed, state_machine.Unknown):
            self.become(step())

    def become(self, case: Case) -> None:
        before, self.case = self.case, case

        assert case.status == before.status or case.status in FOLLOWERS[before.status]
        assert before.modified_on <= case.modified_on <= self.now
        self.is_told(before, case)

    def is_told(self, before: Case, case: Case) -> None:
        names = [*webhook_queue.event_names(before, case)]

        assert bool(names) >= (case.status != before.status)
        assert not names or case is not before
        assert all(case.status in BRINGS[name] for name in names)

    @invariant()
    def only_the_newest_attempt_is_open(self) -> None:
        assert not any(attempt.is_open for attempt in self.case.attempts[:-1])

    @invariant()
    def the_newest_attempt_explains_the_status(self) -> None:
        if self.case.status in NEWEST:
            assert self.case.attempts[-1].status in NEWEST[self.case.status]

    @invariant()
    def every_end_has_a_code(self) -> None:
        assert (self.case.code is not None) == (self.case.status in RETRY_OR_END)

    @invariant()
    def what_is_due_is_due_to_the_moment(self) -> None:
        due_on = state_machine.due_on(self.case)
        if due_on is not None:
            assert state_machine.advance(self.case, due_on - timedelta(microseconds=1)) is self.case
            assert state_machine.advance(self.case, due_on) is not self.case

    @invariant()
    def a_case_survives_its_document(self) -> None:
        assert store.load(store.dump(self.case)) == self.case


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
