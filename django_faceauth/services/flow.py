"""From the question to the answer: begin an attempt, and finish a challenge."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.db.models import Q

from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    Conflict,
    FlowMismatch,
    MalformedAnswer,
    NotFound,
)
from django_faceauth.models import Applicant, FaceAuthentication, FaceChallenge
from django_faceauth.provider.addresses import is_capture_url
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.snapshots import AuthenticationSnapshot
from django_faceauth.services import attempts, enrolment, evidence, grants, sync
from django_faceauth.statuses import AFTER_CAPTURE, AttemptStatus, AuthenticationStatus

logger = logging.getLogger(__name__)

State = FaceChallenge.State

#: A start that has not ended by now died: longer than all the calls of one together.
CLAIM: Final = timedelta(seconds=120)

ENDS: Final[Mapping[str, FaceChallenge.State]] = {
    AuthenticationStatus.DECLINED: State.FAILED,
    AuthenticationStatus.INCONCLUSIVE: State.FAILED,
    AuthenticationStatus.REFUSED: State.REFUSED,
}


class Word(StrEnum):
    """What can be said of a challenge: its states, and that a new attempt is needed."""

    OPEN = "open"
    RETRY = "retry"
    GRANTED = "granted"
    CONSUMED = "consumed"
    REVOKED = "revoked"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class HandOff:
    """The browser may go to the capture page now."""

    capture_url: str = field(repr=False)


def begin(challenge: FaceChallenge, *, redirect_url: str, now: datetime) -> HandOff | None:
    """Create or reuse an attempt for an open challenge.

    Returns None when there is nothing to hand over: another request is at it, or the
    provider takes no attempt any more. Raises `NotEnrolled`, a `ProviderError` or a
    `ConfigurationError`.
    """
    applicant = enrolment.applicant_of(challenge.user)
    get_client()  # raises, if it does, before anything is written
    if not _claim(challenge, now):
        return None
    try:
        return _hand_off(challenge, applicant, redirect_url, now)
    finally:
        _release(challenge, now)


def finish(challenge: FaceChallenge, *, source: str, now: datetime) -> FaceChallenge:
    """Ask the provider, at most every two seconds, and end the challenge if it says so.

    Returns the challenge as it is then. Raises a `ProviderError` when the provider gave
    no usable answer, or a `ConfigurationError`; the challenge has not changed then.
    """
    if challenge.is_open and challenge.started_at and challenge.authentication:
        _ask_and_settle(challenge, challenge.authentication, source, now)
    return FaceChallenge.objects.select_related("authentication", "user").get(pk=challenge.pk)


def is_under_way(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Tell whether an attempt was asked for, or is being asked for right now."""
    claimed_at = challenge.claimed_at
    return challenge.started_at is not None or (claimed_at is not None and now - claimed_at < CLAIM)


def word_for(challenge: FaceChallenge, *, now: datetime) -> Word:
    """Say where a challenge stands."""
    if challenge.is_open and _needs_attempt(challenge, now):
        return Word.RETRY
    return Word(challenge.state)


# -- begin


def _claim(challenge: FaceChallenge, now: datetime) -> bool:
    """Let one request at a time start; a double click or a second tab comes second."""
    open_ones = FaceChallenge.objects.filter(pk=challenge.pk, state=State.OPEN)
    # A moment well ahead of now was written before the clock was set back.
    free = open_ones.filter(
        Q(claimed_at=None) | Q(claimed_at__lte=now - CLAIM) | Q(claimed_at__gt=now + CLAIM)
    )
    return free.update(claimed_at=now) == 1


def _release(challenge: FaceChallenge, claimed_at: datetime) -> None:
    # Only our own claim: one that ran out may be somebody else's by now.
    ours = FaceChallenge.objects.filter(pk=challenge.pk, claimed_at=claimed_at)
    ours.update(claimed_at=None)


def _hand_off(
    challenge: FaceChallenge, applicant: Applicant, redirect_url: str, now: datetime
) -> HandOff | None:
    challenge.refresh_from_db(fields=["authentication", "started_at"])
    authentication = attempts.authentication_for(challenge, applicant, now=now)
    try:
        attempt = attempts.live_attempt(challenge, authentication, now=now)
        if attempt is None:
            attempt = attempts.new_attempt(
                challenge, authentication, redirect_url=redirect_url, now=now
            )
    except Conflict:
        return None  # it has gone on without us, on another device: the waiting page finds out
    except NotFound:
        _close(challenge, State.FAILED, "unknown_to_provider")
        return None
    if not is_capture_url(attempt.capture_url, hosts=conf.CAPTURE_HOSTS, debug=conf.DEBUG):
        logger.error("capture host not allowed challenge=%s", challenge.pk)
        raise MalformedAnswer("create_attempt", cause="capture host not allowed")
    return HandOff(attempt.capture_url)


# -- finish


def _ask_and_settle(
    challenge: FaceChallenge, authentication: FaceAuthentication, source: str, now: datetime
) -> None:
    try:
        snapshot = sync.pull(authentication, source=source, now=now)
    except NotFound:
        _close(challenge, State.FAILED, "unknown_to_provider")
        return
    if snapshot is not None:
        authentication.refresh_from_db()
        _settle(challenge, authentication, snapshot, now)


def _settle(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    snapshot: AuthenticationSnapshot,
    now: datetime,
) -> None:
    if authentication.status == snapshot.status == AuthenticationStatus.APPROVED:
        _approve(challenge, authentication, snapshot, now)
    elif authentication.status in ENDS:
        _close(challenge, ENDS[authentication.status], authentication.status)
    elif _is_too_late(challenge, authentication, now):
        _close(challenge, State.EXPIRED, "too_late")


def _approve(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    snapshot: AuthenticationSnapshot,
    now: datetime,
) -> None:
    listed = get_client().list_attempts(snapshot.id).items
    sync.mirror_attempts(authentication, listed, started_at=challenge.started_at or now)
    try:
        evidence.require_subject(challenge, authentication, snapshot)
        newest = evidence.require_attempt(challenge, listed)
        attempt = authentication.attempts.get(provider_id=newest.id)
        anchor = evidence.require_anchor(attempt, now=now)
    except FlowMismatch as mismatch:
        logger.error("approval refused: %s challenge=%s", mismatch, challenge.pk)
        _close(challenge, State.FAILED, "mismatch")
        return
    if not evidence.is_in_time(attempt, anchor, challenge, now=now):
        _close(challenge, State.EXPIRED, "too_late")
    elif newest.status == AttemptStatus.COMPLETED:  # or half of the news is not there yet
        _grant(challenge, authentication, anchor, now)


def _grant(
    challenge: FaceChallenge, authentication: FaceAuthentication, anchor: datetime, now: datetime
) -> None:
    with transaction.atomic():
        # Locked, so that a change of mind comes wholly before or wholly after.
        row = FaceAuthentication.objects.select_for_update().get(pk=authentication.pk)
        if row.status == AuthenticationStatus.APPROVED:
            grants.issue(challenge, verified_at=anchor, now=now)


def _is_too_late(
    challenge: FaceChallenge, authentication: FaceAuthentication, now: datetime
) -> bool:
    """Tell whether an approval that came now would already be stale."""
    attempt = authentication.attempts.first()
    if attempt is None or authentication.status not in AFTER_CAPTURE:
        return False
    return now - attempt.capture_not_before >= challenge.age_limit


def _needs_attempt(challenge: FaceChallenge, now: datetime) -> bool:
    authentication, started_at = challenge.authentication, challenge.started_at
    if authentication is None or started_at is None:
        return False
    if authentication.status == AuthenticationStatus.RETRY_REQUIRED:
        # What was known before the newest attempt is not about it.
        return authentication.synced_at is not None and authentication.synced_at > started_at
    return authentication.status not in AFTER_CAPTURE and now - started_at > conf.CAPTURE_WINDOW


def _close(challenge: FaceChallenge, state: FaceChallenge.State, reason: str) -> None:
    FaceChallenge.objects.filter(pk=challenge.pk).close(state, reason=reason)
