"""The one decision: may this request pass?

Every way through ends in `Allow` at one single place; whatever raises on the way does
not get there (G-01). No call to the provider is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.http import HttpRequest

from django_faceauth.gate.policy import Policy
from django_faceauth.services import enrolment, grants


class Reason(StrEnum):
    """Why a request passed or did not."""

    FRESH = "fresh"
    NOT_FRESH = "not_fresh"
    ANONYMOUS = "anonymous"
    INACTIVE = "inactive"
    NOT_ENROLLED = "not_enrolled"


@dataclass(frozen=True, slots=True)
class Face:
    """What a view finds as `request.face` behind a gate.

    `verified_at` is the latest moment at which we know that the face had not been shown
    yet, `expires_at` when this gate closes again, `challenge` the handle of the challenge
    that was granted.
    """

    verified_at: datetime
    expires_at: datetime
    action: str
    challenge: str


class FaceRequest(HttpRequest):
    """The type of a request behind a gate, for annotations."""

    face: Face


@dataclass(frozen=True, slots=True)
class Allow:
    """The request may pass."""

    face: Face
    reason: Reason = Reason.FRESH


@dataclass(frozen=True, slots=True)
class Challenge:
    """The request may pass once the user has shown their face."""

    reason: Reason = Reason.NOT_FRESH


@dataclass(frozen=True, slots=True)
class Deny:
    """The request may not pass, and no face would change that."""

    reason: Reason


Decision = Allow | Challenge | Deny


def decide(request: HttpRequest, policy: Policy, now: datetime) -> Decision:
    """Decide about one request; the first that sees a grant rotates its session key (B-05)."""
    user = request.user
    if not user.is_authenticated:
        return Deny(Reason.ANONYMOUS)
    if not user.is_active:
        return Deny(Reason.INACTIVE)
    max_age = policy.age_limit
    grant = grants.current(request, action=policy.action, max_age=max_age, now=now)
    if grant is None or grant.verified_at is None:
        return Challenge() if enrolment.is_enrolled(user) else Deny(Reason.NOT_ENROLLED)
    grants.see(request, grant, now=now)
    return Allow(Face(grant.verified_at, grant.verified_at + max_age, grant.action, grant.handle))
