"""End a challenge by what the provider says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    ConfigurationError,
    FlowMismatch,
    NotFound,
    ProviderError,
)
from django_faceauth.models import (
    Applicant,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.challenge import FaceChallengeQuerySet
from django_faceauth.provider.resources import AttemptSnapshot, AuthenticationSnapshot
from django_faceauth.services import limits
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import grants
from django_faceauth.services.sync import polling_schedule, sync
from django_faceauth.services.sync.sync import Pulled
from django_faceauth.signals import challenge_refused
from django_faceauth.statuses import (
    AFTER_CAPTURE,
    AT_REST,
    AttemptStatus,
    AuthenticationStatus,
)

logger = logging.getLogger(__name__)

State = FaceChallenge.State
Source = StatusChange.Source

#: Errors of the provider and of the set-up, which a user who waits can do nothing about.
TROUBLES: Final = (ProviderError, ConfigurationError)

ENDS: Final[Mapping[str, FaceChallenge.State]] = {
    AuthenticationStatus.DECLINED: State.FAILED,
    AuthenticationStatus.INCONCLUSIVE: State.FAILED,
    AuthenticationStatus.REFUSED: State.REFUSED,
}

#: A question that ends so was answered with no.
NEGATIVE: Final = frozenset({State.FAILED, State.REFUSED})


def note_return(challenge: FaceChallenge, *, now: datetime) -> None:
    """Note that the user has come back from the capture page, whatever happened there."""
    if challenge.is_open and challenge.started_at is not None:
        challenge.returned_at = now
        challenge.save(update_fields=["returned_at"])


def finish(challenge: FaceChallenge, *, source: str, now: datetime) -> FaceChallenge:
    """Ask the provider for somebody who waits, and end the challenge if it says so.

    Asks when the browser has come back, else when it is time to. Returns the challenge as
    it is then. Raises a `ProviderError` when the provider gave no usable answer, or a
    `ConfigurationError`; the challenge has not changed then.
    """
    authentication = challenge.authentication
    is_awaited = challenge.is_open and challenge.started_at is not None
    if not is_awaited or authentication is None:
        return challenge
    if source == Source.POLL and not is_due(authentication, now=now):
        return challenge
    with suppress(NotFound):  # the challenge has ended then
        refresh(authentication, source=source, now=now, someone_waits=True)
    return FaceChallenge.objects.select_related("authentication", "user").get(pk=challenge.pk)


def look(
    challenge: FaceChallenge, *, source: str, now: datetime
) -> tuple[FaceChallenge, Exception | None]:
    """Do what `finish` does, for somebody who only wants to know; return what it raised."""
    try:
        return finish(challenge, source=source, now=now), None
    except TROUBLES as error:
        logger.warning("pull failed: %s challenge=%s", error, challenge.pk)
        return challenge, error


def refresh(
    authentication: FaceAuthentication, *, source: str, now: datetime, someone_waits: bool = False
) -> Pulled | None:
    """Ask the provider about an authentication, and end the challenge that waits for it.

    Returns and raises what `sync.pull` does.
    """
    try:
        pulled = sync.pull(authentication, source=source, now=now, someone_waits=someone_waits)
    except NotFound:
        for challenge in questions_of(authentication):
            close(challenge, State.FAILED, "unknown_to_provider")
        raise
    if pulled is None:
        return None
    act_on(pulled, now=now)
    return pulled


def act_on(pulled: Pulled, *, now: datetime) -> None:
    """Do what follows from an answer of the provider, now that it is written down.

    Raises what `sync.pull_attempts` does.
    """
    row = pulled.row
    if row.status == AuthenticationStatus.APPROVED:
        limits.note_approval(row)  # first: a crash after the grant would end all further looks
    for challenge in questions_of(row):
        settle(challenge, pulled, now)
    if row.status == AuthenticationStatus.DECLINED:  # whether or not anybody waited
        limits.note_decline(row.user_id, now=now)
    if row.status in AT_REST:  # else the next question is planned already
        sync.plan(row, _next_question(row, now))


def is_due(authentication: FaceAuthentication, *, now: datetime) -> bool:
    """Tell whether it is time to ask about an authentication without being told to."""
    return authentication.next_poll_at is not None and authentication.next_poll_at <= now


def is_unsettled(authentication: FaceAuthentication) -> bool:
    """Tell whether a result is held that a challenge still waits for."""
    has_result = authentication.status in {AuthenticationStatus.APPROVED, *ENDS}
    return has_result and questions_of(authentication).exists()


def _next_question(row: FaceAuthentication, now: datetime) -> datetime | None:
    """Return when to ask again, now that the news has been acted upon."""
    if row.status == AuthenticationStatus.APPROVED and questions_of(row).exists():
        return polling_schedule.again(row, now=now)  # the evidence was not complete
    return polling_schedule.next_poll(row, now=now)


# -- the challenge that waits for an answer


def questions_of(authentication: FaceAuthentication) -> FaceChallengeQuerySet:
    """Return the challenge, if any, that still waits for this authentication."""
    asked = FaceChallenge.objects.filter(authentication_id=authentication.pk)
    return asked.filter(state=State.OPEN, started_at__isnull=False)


def settle(challenge: FaceChallenge, pulled: Pulled, now: datetime) -> None:
    """Grant or end the question, if the answer says so.

    Raises what `sync.pull_attempts` does.
    """
    row = pulled.row
    if row.status == pulled.snapshot.status == AuthenticationStatus.APPROVED:
        _approve(challenge, pulled, now)
    elif row.status in ENDS:
        close(challenge, ENDS[row.status], row.status)
    elif _is_too_late(challenge, row, now):
        close(challenge, State.EXPIRED, "too_late")


def close(challenge: FaceChallenge, state: FaceChallenge.State, reason: str) -> None:
    """End a question that is still open, and announce a no."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    if asked.close(state, reason=reason) and state in NEGATIVE:
        send_on_commit(
            challenge_refused, sender=FaceChallenge, challenge=asked.get(), reason=reason
        )


def _approve(challenge: FaceChallenge, pulled: Pulled, now: datetime) -> None:
    row, listed = pulled.row, pulled.attempts
    if listed is None:
        listed = sync.pull_attempts(row, now=now)
    try:
        require_subject(challenge, row, pulled.snapshot)
        newest = require_attempt(challenge, listed)
        attempt = row.attempts.get(provider_id=newest.id)
        anchor = require_anchor(attempt, now=now)
    except FlowMismatch as mismatch:
        logger.error("approval refused: %s challenge=%s", mismatch, challenge.pk)
        close(challenge, State.FAILED, "mismatch")
        return
    if not is_in_time(attempt, anchor, challenge, now=now):
        close(challenge, State.EXPIRED, "too_late")
    elif newest.status == AttemptStatus.COMPLETED:  # or half of the news is not there yet
        _grant(challenge, row, anchor, now)


@database.repeated
def _grant(
    challenge: FaceChallenge, authentication: FaceAuthentication, anchor: datetime, now: datetime
) -> None:
    with database.atomic():
        # Locked, so that a change of mind comes wholly before or wholly after.
        row = sync.locked(authentication)
        if row.status == AuthenticationStatus.APPROVED and row.erased_at is None:
            grants.issue(challenge, verified_at=anchor, now=now)


def _is_too_late(
    challenge: FaceChallenge, authentication: FaceAuthentication, now: datetime
) -> bool:
    """Tell whether an approval that came now would already be stale."""
    attempt = authentication.attempts.first()
    if attempt is None or authentication.status not in AFTER_CAPTURE:
        return False
    return now - attempt.capture_not_before >= challenge.age_limit


# -- what makes an approval count, and since when


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
