"""The progress of a challenge, as shown to its user and clients."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django_faceauth import messages
from django_faceauth.conf import conf
from django_faceauth.models import FaceChallenge, IdentityVerification
from django_faceauth.response_codes import advice_for
from django_faceauth.services.sync.polling_schedule import START_TIMEOUT
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, UNDER_WAY, AuthenticationStatus

State = FaceChallenge.State

#: The provider knows of a capture soon after the user has returned from it.
NEWS_TAKES: Final = timedelta(seconds=10)


class Step(StrEnum):
    """The next step of an API client."""

    ATTEMPT = "attempt"
    WAIT = "wait"
    REPEAT = "repeat"
    ASK_AGAIN = "ask_again"


def is_under_way(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Return whether an attempt was created, or is being created right now."""
    start_locked_at = challenge.start_locked_at
    return challenge.started_at is not None or (
        start_locked_at is not None and now - start_locked_at < START_TIMEOUT
    )


def word_for(challenge: FaceChallenge, *, now: datetime) -> str:
    """Return the progress of a challenge in one word: its state, or `RETRY`."""
    row, started_at, word = challenge.authentication, challenge.started_at, challenge.state
    if word != State.OPEN or row is None or started_at is None:
        return word
    if row.status == AuthenticationStatus.RETRY_REQUIRED:
        # What was known before the newest attempt is not about it.
        newest = row.attempts.first()
        needs_attempt = newest is None or newest.status not in UNDER_WAY
    else:
        needs_attempt = row.status not in AFTER_CAPTURE and now - started_at > conf.CAPTURE_WINDOW
    return messages.RETRY if needs_attempt else word


def step_for(challenge: FaceChallenge, word: str, *, now: datetime) -> Step:
    """Return what an API client does next with a challenge whose progress is `word`."""
    if word == State.GRANTED:
        return Step.REPEAT
    if word == messages.RETRY:
        return Step.ATTEMPT
    if word != State.OPEN:
        return Step.ASK_AGAIN
    return Step.WAIT if is_under_way(challenge, now=now) else Step.ATTEMPT


def wording_for(
    challenge: FaceChallenge, word: str, *, now: datetime, trouble: Exception | None = None
) -> messages.Wording:
    """Return the texts for the user; `trouble` is why the provider could not be asked."""
    status = _status_of(challenge)
    wording = messages.WORDINGS[word]
    if word == State.OPEN:
        if challenge.started_at is None and challenge.start_locked_at is None:
            wording = messages.NOT_STARTED
        elif status in AFTER_CAPTURE:
            wording = messages.COMPARING
        elif has_just_returned(challenge, now):
            wording = messages.CHECKING
        if trouble is not None:
            return messages.Wording(wording.title, trouble_with(trouble))
    elif word == State.FAILED and challenge.reason == "network":
        return messages.OTHER_NETWORK
    elif word == messages.RETRY:
        message: messages.Text = messages.LINK_RAN_OUT
        if status == AuthenticationStatus.RETRY_REQUIRED and challenge.authentication:
            message = advice_for(challenge.authentication.codes)
        return messages.Wording(wording.title, message)
    return wording


def can_reopen(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Return whether the capture page of a running attempt can be opened again."""
    return _status_of(challenge) in BEFORE_CAPTURE and not has_just_returned(challenge, now)


def trouble_with(error: Exception) -> messages.Text:
    """Return the text for an error of the provider that passes, or of the site's set-up."""
    return messages.TROUBLE if getattr(error, "retryable", False) else messages.BROKEN


def _status_of(challenge: FaceChallenge) -> str:
    return challenge.authentication.status if challenge.authentication else ""


def has_just_returned(row: FaceChallenge | IdentityVerification, now: datetime) -> bool:
    """Return whether the user left the capture page so lately that the provider may not know."""
    returned_at = row.returned_at
    return returned_at is not None and now - returned_at < NEWS_TAKES
