"""Where a challenge stands, and what its user and clients are told."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django_faceauth.conf import conf
from django_faceauth.messages import (
    BROKEN,
    CHECKING,
    COMPARING,
    LINK_RAN_OUT,
    NOT_STARTED,
    TROUBLE,
    WORDINGS,
    Text,
    Wording,
)
from django_faceauth.models import FaceChallenge
from django_faceauth.response_codes import advice_for
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, UNDER_WAY, AuthenticationStatus

#: The provider knows of a capture soon after the user has returned from it.
NEWS_TAKES: Final = timedelta(seconds=10)


#: A start that has not ended by now died: longer than all the calls of one together.
CLAIM: Final = timedelta(seconds=120)


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


class Step(StrEnum):
    """What a program does next."""

    ATTEMPT = "attempt"
    WAIT = "wait"
    REPEAT = "repeat"
    ASK_AGAIN = "ask_again"


def is_under_way(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Tell whether an attempt was asked for, or is being asked for right now."""
    start_locked_at = challenge.start_locked_at
    return challenge.started_at is not None or (
        start_locked_at is not None and now - start_locked_at < CLAIM
    )


def word_for(challenge: FaceChallenge, *, now: datetime) -> Word:
    """Say where a challenge stands."""
    if challenge.is_open and _needs_attempt(challenge, now):
        return Word.RETRY
    return Word(challenge.state)


def step_for(challenge: FaceChallenge, word: Word, *, now: datetime) -> Step:
    """Say what a program does next with a challenge of which `word` can be said."""
    if word is Word.GRANTED:
        return Step.REPEAT
    if word is Word.RETRY:
        return Step.ATTEMPT
    if word is not Word.OPEN:
        return Step.ASK_AGAIN
    return Step.WAIT if is_under_way(challenge, now=now) else Step.ATTEMPT


def wording_for(
    challenge: FaceChallenge, word: Word, *, now: datetime, trouble: Exception | None = None
) -> Wording:
    """Say it to people; `trouble` is why the provider could not be asked just now."""
    usual = _usual(challenge, word, now)
    return Wording(usual.title, _message(challenge, word, usual, trouble))


def status_of(challenge: FaceChallenge) -> str:
    """Return the provider's status; empty before there is one."""
    return challenge.authentication.status if challenge.authentication else ""


def can_reopen(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Tell whether the camera page of an attempt that is under way can be opened again."""
    return status_of(challenge) in BEFORE_CAPTURE and not _has_just_returned(challenge, now)


def trouble_with(error: Exception) -> Text:
    """Say why the provider could not be asked: it passes, or the site has to be repaired."""
    return TROUBLE if getattr(error, "retryable", False) else BROKEN


def _message(
    challenge: FaceChallenge, word: Word, usual: Wording, trouble: Exception | None
) -> Text:
    if word is Word.OPEN and trouble is not None:
        return trouble_with(trouble)
    if word is not Word.RETRY:
        return usual.message
    if status_of(challenge) != AuthenticationStatus.RETRY_REQUIRED:
        return LINK_RAN_OUT
    return advice_for(challenge.authentication.codes if challenge.authentication else ())


def _usual(challenge: FaceChallenge, word: Word, now: datetime) -> Wording:
    if word is Word.OPEN and challenge.started_at is None and challenge.start_locked_at is None:
        return NOT_STARTED
    if word is Word.OPEN and status_of(challenge) in AFTER_CAPTURE:
        return COMPARING
    if word is Word.OPEN and _has_just_returned(challenge, now):
        return CHECKING
    return WORDINGS[word]


def _has_just_returned(challenge: FaceChallenge, now: datetime) -> bool:
    """Tell whether the user has been at the camera page, which the provider may not tell yet."""
    returned_at = challenge.returned_at
    return returned_at is not None and now - returned_at < NEWS_TAKES


def _needs_attempt(challenge: FaceChallenge, now: datetime) -> bool:
    authentication, started_at = challenge.authentication, challenge.started_at
    if authentication is None or started_at is None:
        return False
    if authentication.status == AuthenticationStatus.RETRY_REQUIRED:
        # What was known before the newest attempt is not about it.
        newest = authentication.attempts.first()
        return newest is None or newest.status not in UNDER_WAY
    return authentication.status not in AFTER_CAPTURE and now - started_at > conf.CAPTURE_WINDOW
