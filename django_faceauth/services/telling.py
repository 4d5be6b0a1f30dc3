"""What people and programs are told of a challenge."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django_faceauth.models import FaceChallenge
from django_faceauth.response_codes import advice_for
from django_faceauth.services import flow
from django_faceauth.services.flow import Word
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, AuthenticationStatus
from django_faceauth.wording import (
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

#: The provider knows of a capture soon after the user has returned from it.
NEWS_TAKES: Final = timedelta(seconds=10)


class Step(StrEnum):
    """What a program does next."""

    ATTEMPT = "attempt"
    WAIT = "wait"
    REPEAT = "repeat"
    ASK_AGAIN = "ask_again"


def step_for(challenge: FaceChallenge, word: Word, *, now: datetime) -> Step:
    """Say what a program does next with a challenge of which `word` can be said."""
    if word is Word.GRANTED:
        return Step.REPEAT
    if word is Word.RETRY:
        return Step.ATTEMPT
    if word is not Word.OPEN:
        return Step.ASK_AGAIN
    return Step.WAIT if flow.is_under_way(challenge, now=now) else Step.ATTEMPT


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
    if word is Word.OPEN and challenge.started_at is None and challenge.claimed_at is None:
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
