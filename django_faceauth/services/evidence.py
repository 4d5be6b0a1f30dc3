"""What makes an approval count for a challenge, and since when.

What does not hold raises `FlowMismatch`.
"""

from __future__ import annotations

from datetime import datetime

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.exceptions import FlowMismatch
from django_faceauth.models import Applicant, FaceAttempt, FaceAuthentication, FaceChallenge
from django_faceauth.provider.snapshots import AttemptSnapshot, AuthenticationSnapshot


def require_subject(
    challenge: FaceChallenge, authentication: FaceAuthentication, snapshot: AuthenticationSnapshot
) -> None:
    """Hold the answer against what we asked and against what holds today (G-03)."""
    applicant = Applicant.objects.filter(user_id=challenge.user_id).first()
    facts = {
        "authentication": snapshot.id == authentication.provider_id,
        "user": authentication.user_id == challenge.user_id,
        "applicant": applicant is not None
        and snapshot.applicant_id == authentication.applicant_id == applicant.applicant_id,
        "journey": snapshot.user_journey_id
        == authentication.user_journey_id
        == conf.USER_JOURNEY_ID,
        "environment": authentication.environment == conf.ENVIRONMENT,
    }
    wrong = [name for name, holds in facts.items() if not holds]
    if wrong:
        raise FlowMismatch(f"another {', '.join(wrong)}")


def require_attempt(
    challenge: FaceChallenge, attempts: tuple[AttemptSnapshot, ...]
) -> AttemptSnapshot:
    """Return the attempt that was approved: the newest, since none is taken after a capture."""
    if not attempts or not carries(attempts[0].redirect_url, challenge.handle):
        raise FlowMismatch("no attempt of this challenge")
    return attempts[0]


def require_anchor(attempt: FaceAttempt, *, now: datetime) -> datetime:
    """Return the latest moment at which we know that the face had not been shown (G-04)."""
    if attempt.created_on is not None and clocks.is_ahead(attempt.created_on, now=now):
        raise FlowMismatch("the provider's clock is ahead")
    if clocks.is_ahead(attempt.capture_not_before, now=now):
        raise FlowMismatch("the clock of one of our servers is ahead")
    return min(attempt.capture_not_before, now)


def is_in_time(
    attempt: FaceAttempt, anchor: datetime, challenge: FaceChallenge, *, now: datetime
) -> bool:
    """Tell whether the face was shown within the capture window, and is still fresh (T-2.9)."""
    captured = attempt.capture_not_after or now
    in_window = captured <= attempt.created_at + conf.CAPTURE_WINDOW
    return in_window and now - anchor < challenge.age_limit


def carries(redirect_url: str, handle: str) -> bool:
    """Tell whether an attempt leads back to the challenge with that handle."""
    return f"/{handle}/" in redirect_url.partition("?")[0]
