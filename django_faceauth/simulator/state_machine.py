"""The state machine of a face authentication or identity verification, as pure functions.

A `Case` is one of them with its attempts. Every function takes the case as `advance`
left it and returns a new one; nothing here reads a clock or stores anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django_faceauth.identifiers import Prefix
from django_faceauth.simulator.scenarios import CLOSED, LEFT, NEVER_STARTED, Outcome
from django_faceauth.statuses import ACCEPTS_ATTEMPT, DECIDED, AttemptStatus, AuthenticationStatus

ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
LINK_LIFETIME: Final = timedelta(minutes=15)

#: The outcome of an open link that is not used for its lifetime: never opened, or left.
EXPIRED: Final[Mapping[AttemptStatus, Outcome]] = {
    AttemptStatus.PENDING_REDIRECTION: NEVER_STARTED,
    AttemptStatus.CAPTURE_IN_PROGRESS: LEFT,
}

#: The IP address of test clients, and one of another network (RFC 5737).
LOOPBACK: Final = "127.0.0.1"
ELSEWHERE: Final = "198.51.100.1"


class NotAllowed(Exception):
    """The status of the case does not allow this transition."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.id, case.status)
        self.case = case


class Unknown(LookupError):
    """The face authentication or the attempt does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """The merchant's request for an attempt."""

    redirect_url: str
    phone_number: Mapping[str, str] | None = None
    client_information: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The device that opened the capture page."""

    ip_address: str
    user_agent: str
    initial_device: str
    number_of_sessions: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """The outcome of a capture, and when it becomes known."""

    outcome: Outcome
    decided_on: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to capture the user's face."""

    id: str
    created_on: datetime
    modified_on: datetime
    request: AttemptRequest
    status: AttemptStatus = AttemptStatus.PENDING_REDIRECTION
    code: int | None = None
    visit: Visit | None = None
    capture: Capture | None = None

    @property
    def is_open(self) -> bool:
        """Whether the capture page can still be used."""
        return self.status in EXPIRED

    @property
    def has_face(self) -> bool:
        return self.capture is not None and self.capture.outcome.has_face


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A face authentication or identity verification with its attempts, oldest first."""

    id: str
    applicant_id: str
    user_journey_id: str
    created_on: datetime
    modified_on: datetime
    status: AuthenticationStatus = AuthenticationStatus.CREATED
    code: int | None = None
    attempts: tuple[Attempt, ...] = ()
    is_anonymized: bool = False
    audits: int = 0
    external_applicant_id: str = ""
    declared_data: Mapping[str, str] | None = None

    @property
    def is_of_identity(self) -> bool:
        """Whether it is an identity verification, for which a document is shown, too."""
        return self.id.startswith(f"{Prefix.IDENTITY_VERIFICATION}_")

    @property
    def kind(self) -> str:
        """The provider's name for its kind, with which its events begin."""
        return "identity_verification" if self.is_of_identity else "face_authentication"

    @property
    def scripted_id(self) -> str:
        """The id that may select a scenario."""
        return self.external_applicant_id or self.applicant_id

    @property
    def captures(self) -> int:
        """Number of captures that were finished on the capture page."""
        return sum(attempt.capture is not None for attempt in self.attempts)

    def attempt(self, attempt_id: str) -> Attempt:
        """Return one attempt, or raise `Unknown`."""
        for attempt in self.attempts:
            if attempt.id == attempt_id:
                return attempt
        raise Unknown

    def open_attempt(self, attempt_id: str) -> Attempt:
        """Return one attempt, or raise `NotAllowed` when its link is closed."""
        attempt = self.attempt(attempt_id)
        if not attempt.is_open:
            raise NotAllowed(self)
        return attempt


def new_id(prefix: str) -> str:
    """Return a new identifier in the provider's alphabet, such as `fav_` and 26 characters."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(26))}"


def create(
    case_id: str, *, applicant_id: str, user_journey_id: str, now: datetime, **more: Any
) -> Case:
    return Case(
        id=case_id,
        applicant_id=applicant_id,
        user_journey_id=user_journey_id,
        created_on=now,
        modified_on=now,
        **more,
    )


def advance(case: Case, now: datetime) -> Case:
    """Return the case as time has changed it: the same object if nothing was due."""
    due = _due(case)
    if due is None or now < due.decided_on:
        return case
    return _settle(case, due)


def due_on(case: Case) -> datetime | None:
    """Return when time alone will change the case, if it will."""
    due = _due(case)
    return due.decided_on if due else None


def add_attempt(case: Case, attempt_id: str, request: AttemptRequest, now: datetime) -> Case:
    """Return the case with a new attempt, which replaces the open one."""
    if case.status not in ACCEPTS_ATTEMPT:
        raise NotAllowed(case)
    attempt = Attempt(id=attempt_id, created_on=now, modified_on=now, request=request)
    return replace(
        case,
        status=AuthenticationStatus.PENDING,
        code=None,
        attempts=(*(_terminated(earlier, now) for earlier in case.attempts), attempt),
        modified_on=now,
    )


def open_capture(case: Case, attempt_id: str, visit: Visit, now: datetime) -> Case:
    """Return the case with the user on the capture page."""
    attempt = case.open_attempt(attempt_id)
    if attempt.visit:
        visit = replace(
            visit,
            initial_device=attempt.visit.initial_device,
            number_of_sessions=attempt.visit.number_of_sessions + 1,
        )
    status = AttemptStatus.CAPTURE_IN_PROGRESS
    attempt = replace(attempt, status=status, visit=visit, modified_on=now)
    return _with_newest(case, attempt, AuthenticationStatus.CAPTURE_IN_PROGRESS)


def finish_capture(
    case: Case, attempt_id: str, outcome: Outcome, *, check_time: timedelta, now: datetime
) -> Case:
    """Return the case after the capture; a captured face is decided on after `check_time`."""
    attempt = case.open_attempt(attempt_id)
    decided_on = now + check_time if outcome.has_face else now
    capture = Capture(outcome=outcome, decided_on=decided_on)
    status = AttemptStatus.CHECKS_IN_PROGRESS
    attempt = replace(attempt, status=status, capture=capture, modified_on=now)
    case = _with_newest(case, attempt, AuthenticationStatus.CHECKS_IN_PROGRESS)
    return case if outcome.has_face else _settle(case, capture)


def expire(case: Case, now: datetime) -> Case:
    """Return the case as if the lifetime of its open link had passed."""
    due = _due(case)
    if due is None or not case.attempts[-1].is_open:
        raise NotAllowed(case)
    return _settle(case, replace(due, decided_on=now))


def audit(case: Case, outcome: Outcome, now: datetime) -> Case:
    """Return the case with the result of an audit, which confirms the earlier one or not."""
    results = {case.status, outcome.authentication}
    if case.is_anonymized or not results <= DECIDED:
        raise NotAllowed(case)
    newest = replace(case.attempts[-1], code=outcome.code, modified_on=now)
    case = _with_newest(case, newest, outcome.authentication, outcome.code)
    return replace(case, audits=case.audits + 1)


def anonymize(case: Case, now: datetime) -> Case:
    """Return the case without personal data; an open one is closed for good."""
    if case.status == AuthenticationStatus.CHECKS_IN_PROGRESS:
        raise NotAllowed(case)
    if case.is_anonymized:
        return case
    if case.status in ACCEPTS_ATTEMPT:
        case = replace(case, status=CLOSED.authentication, code=CLOSED.code)
    attempts = (_terminated(attempt, now) for attempt in case.attempts)
    return replace(
        case,
        attempts=tuple(
            replace(attempt, request=replace(attempt.request, phone_number=None), visit=None)
            for attempt in attempts
        ),
        is_anonymized=True,
        declared_data=None,
        modified_on=now,
    )


def _due(case: Case) -> Capture | None:
    """Return how and when time alone will change the case."""
    if not case.attempts:
        return None
    newest = case.attempts[-1]
    if newest.status == AttemptStatus.CHECKS_IN_PROGRESS:
        return newest.capture
    if newest.is_open:
        expires_on = newest.modified_on + LINK_LIFETIME
        return Capture(outcome=EXPIRED[newest.status], decided_on=expires_on)
    return None


def _settle(case: Case, capture: Capture) -> Case:
    outcome = capture.outcome
    newest = replace(
        case.attempts[-1], status=outcome.attempt, code=outcome.code, modified_on=capture.decided_on
    )
    return _with_newest(case, newest, outcome.authentication, outcome.code)


def _with_newest(
    case: Case, newest: Attempt, status: AuthenticationStatus, code: int | None = None
) -> Case:
    return replace(
        case,
        status=status,
        code=code,
        attempts=(*case.attempts[:-1], newest),
        modified_on=newest.modified_on,
    )


def _terminated(attempt: Attempt, now: datetime) -> Attempt:
    if not attempt.is_open:
        return attempt
    return replace(attempt, status=AttemptStatus.TERMINATED, modified_on=now)
