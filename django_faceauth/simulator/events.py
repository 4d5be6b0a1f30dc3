"""The events that a change of a case brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django_faceauth.provider.webhook_payloads import FAMILY
from django_faceauth.simulator.state_machine import Case
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus

# Source: the provider's "webhooks" reference.
#: A new attempt, by the status before it; "reset" after any other.
NEW_ATTEMPT: Final[Mapping[AuthenticationStatus, str]] = {
    AuthenticationStatus.CREATED: "opened",
    AuthenticationStatus.RETRY_REQUIRED: "retry_requested",
}
#: A new status.
NEW_STATUS: Final[Mapping[AuthenticationStatus, str]] = {
    AuthenticationStatus.CAPTURE_IN_PROGRESS: "started",
    AuthenticationStatus.CHECKS_IN_PROGRESS: "capture_completed",
    AuthenticationStatus.APPROVED: "checks_completed",
    AuthenticationStatus.DECLINED: "checks_completed",
    AuthenticationStatus.REFUSED: "capture_refused",
    AuthenticationStatus.INCONCLUSIVE: "closed",
}
#: The status `retry_required`, by how the attempt ended.
FAILED: Final[Mapping[AttemptStatus, str]] = {
    AttemptStatus.CAPTURE_ABORTED: "capture_aborted",
    AttemptStatus.CHECKS_INCONCLUSIVE: "checks_inconclusive",
    AttemptStatus.EXPIRED: "link_expired",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event, and the case as it then was."""

    type: str
    case: Case

    @property
    def created_on(self) -> datetime:
        """When it happened, which may be before it was noticed."""
        return self.case.modified_on


def between(before: Case | None, after: Case) -> tuple[Event, ...]:
    """Return the events of one transition; `before` is None for a new case."""
    return tuple(Event(FAMILY + name, after) for name in _names(before, after))


def _names(before: Case | None, after: Case) -> Iterator[str]:
    if before is None:
        yield "created"
        return
    if len(after.attempts) > len(before.attempts):
        yield NEW_ATTEMPT.get(before.status, "reset")
    elif after.audits > before.audits:
        yield "audit_completed"
    elif after.status != before.status:
        yield NEW_STATUS.get(after.status) or FAILED[after.attempts[-1].status]
    if after.is_anonymized and not before.is_anonymized:
        yield "anonymized"
