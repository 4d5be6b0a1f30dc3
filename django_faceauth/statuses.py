"""The provider's statuses, and sets of them.

Statuses are plain text throughout the package: a status that the provider adds later is
stored as received, is in none of the sets below, and so opens nothing.

Source: the provider's API reference, "face authentication statuses".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AuthenticationStatus(TextChoices):
    """Status of a face authentication."""

    CREATED = "created", _("created")
    PENDING = "pending", _("pending")
    CAPTURE_IN_PROGRESS = "capture_in_progress", _("capture in progress")
    CHECKS_IN_PROGRESS = "checks_in_progress", _("checks in progress")
    APPROVED = "approved", _("approved")
    DECLINED = "declined", _("declined")
    RETRY_REQUIRED = "retry_required", _("retry required")
    REFUSED = "refused", _("refused")
    INCONCLUSIVE = "inconclusive", _("inconclusive")


class AttemptStatus(StrEnum):
    """Status of one attempt of a face authentication."""

    PENDING_REDIRECTION = "pending_redirection"
    CAPTURE_IN_PROGRESS = "capture_in_progress"
    CHECKS_IN_PROGRESS = "checks_in_progress"
    COMPLETED = "completed"
    CAPTURE_ABORTED = "capture_aborted"
    CAPTURE_REFUSED = "capture_refused"
    CHECKS_INCONCLUSIVE = "checks_inconclusive"
    EXPIRED = "expired"
    TERMINATED = "terminated"


#: The face of the open attempt has not been captured yet.
BEFORE_CAPTURE: Final[frozenset[str]] = frozenset(
    {
        AuthenticationStatus.CREATED,
        AuthenticationStatus.PENDING,
        AuthenticationStatus.CAPTURE_IN_PROGRESS,
    }
)

#: The provider accepts a new attempt; on any other status it answers 409.
ACCEPTS_ATTEMPT: Final[frozenset[str]] = BEFORE_CAPTURE | {AuthenticationStatus.RETRY_REQUIRED}

#: The faces have been compared; an audit may still change the result.
DECIDED: Final[frozenset[str]] = frozenset(
    {AuthenticationStatus.APPROVED, AuthenticationStatus.DECLINED}
)

#: The face of the newest attempt has been captured.
AFTER_CAPTURE: Final[frozenset[str]] = DECIDED | {AuthenticationStatus.CHECKS_IN_PROGRESS}

#: Nothing happens at the provider until the user or an audit starts something.
AT_REST: Final[frozenset[str]] = DECIDED | {
    AuthenticationStatus.CREATED,
    AuthenticationStatus.RETRY_REQUIRED,
    AuthenticationStatus.REFUSED,
    AuthenticationStatus.INCONCLUSIVE,
}

#: The capture may start, is in progress, or is being checked.
UNDER_WAY: Final[frozenset[str]] = frozenset(
    {
        AttemptStatus.PENDING_REDIRECTION,
        AttemptStatus.CAPTURE_IN_PROGRESS,
        AttemptStatus.CHECKS_IN_PROGRESS,
    }
)

#: Translated labels of the statuses.
LABELS: Final = dict(AuthenticationStatus.choices)
