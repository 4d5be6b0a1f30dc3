"""Exceptions of this package.

Messages contain operations, ids and codes: never a body, a face, a secret or a capture URL,
so that they may be logged and shown to staff.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation

__all__ = [
    "AccessDenied",
    "ConfigurationError",
    "Conflict",
    "ConsentRequired",
    "EnvelopeInvalid",
    "FaceAuthError",
    "FlowError",
    "FlowMismatch",
    "MalformedAnswer",
    "NotEnrolled",
    "NotFound",
    "ProviderError",
    "Rejected",
    "ReviewRefused",
    "SignatureInvalid",
    "SnapshotTooLarge",
    "TooManyAttempts",
    "Unavailable",
    "UserChanged",
    "WebhookError",
]


class FaceAuthError(Exception):
    """Base of every error of this package."""


class ConfigurationError(FaceAuthError, ImproperlyConfigured):
    """A `FACEAUTH_*` setting is missing or cannot be used."""


class ProviderError(FaceAuthError):
    """A call to the provider did not succeed.

    `operation` is the client's method, `status_code` the HTTP status (None when there
    was no answer), `request_id` the provider's `Cko-Request-Id`, `codes` its machine
    readable error codes, `cause` the class name of the underlying error. `retryable`
    says whether the same call may succeed later.
    """

    retryable = False

    def __init__(
        self,
        operation: str,
        *,
        status_code: int | None = None,
        request_id: str = "",
        codes: Sequence[str] = (),
        cause: str = "",
    ) -> None:
        self.operation = operation
        self.status_code = status_code
        self.request_id = request_id
        self.codes = tuple(codes)
        self.cause = cause
        super().__init__(operation)

    def __str__(self) -> str:
        facts = {
            "status": self.status_code,
            "request_id": self.request_id,
            "codes": ",".join(self.codes),
            "cause": self.cause,
        }
        text = " ".join(f"{name}={value}" for name, value in facts.items() if value)
        return f"{self.operation} failed {text}".rstrip()


class Unavailable(ProviderError):
    """The provider could not be reached or asks to come back later (timeout, 429, 5xx).

    `retry_after` is in seconds, None when the provider did not say. `was_sent` is False when
    the request was certainly not sent. `facts` are those of `ProviderError`.
    """

    retryable = True

    def __init__(
        self,
        operation: str,
        *,
        retry_after: float | None = None,
        was_sent: bool = True,
        **facts: Any,
    ) -> None:
        super().__init__(operation, **facts)
        self.retry_after = retry_after
        self.was_sent = was_sent


class Rejected(ProviderError):
    """The provider understood the request and does not accept it (400, 422)."""


class AccessDenied(ProviderError):
    """The provider does not accept our credentials (401, 403)."""


class NotFound(ProviderError):
    """The provider does not know the object, or no longer (404, 410)."""


class Conflict(ProviderError):
    """The object is not in a state that allows the call (409)."""


class MalformedAnswer(ProviderError):
    """The response is not what the provider documents."""


class WebhookError(FaceAuthError):
    """A delivery is not accepted; `reason` is one of a fixed set of words for logs."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SignatureInvalid(WebhookError):
    """The signature of the delivery is missing or wrong."""


class EnvelopeInvalid(WebhookError):
    """The delivery is genuine, but its body cannot be used."""


class UserChanged(FaceAuthError):
    """A view or an authenticator replaced the user for whom a gate opened."""

    def __init__(self) -> None:
        super().__init__("a gate opened this request for another user than request.user is set to")


class FlowError(FaceAuthError):
    """A step that the flow does not allow."""


class ReviewRefused(FaceAuthError):
    """A verdict that is invalid, or that this reviewer may not record."""


class SnapshotTooLarge(FlowError, SuspiciousOperation, ValueError):
    """The snapshot of a bound gate is too long to read; answered with 400."""


class NotEnrolled(FlowError):
    """The user has no applicant at the provider, or is not active."""


class FlowMismatch(FlowError):
    """An approval does not belong to its challenge."""


class ConsentRequired(FlowError):
    """The user has not consented to the required `version` of the text."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(version)


class TooManyAttempts(FlowError):
    """No attempt may be started before `until`.

    `scope` is the limit that was reached: `user`, `session`, `site`, `lockout` after too many
    declines in a row, or `reported` after the user said that it was not them. `rule` names the
    setting and the limit for developers; it is empty when no setting applies.
    """

    def __init__(self, scope: str, *, until: datetime, rule: str = "") -> None:
        self.scope = scope
        self.until = until
        self.rule = rule
        super().__init__(scope)

    def seconds(self, now: datetime) -> int:
        """Return the seconds to wait, rounded up so that a client never comes early."""
        return ceil((self.until - now).total_seconds())
