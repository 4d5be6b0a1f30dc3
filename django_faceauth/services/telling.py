"""What people and programs are told of a challenge."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django_faceauth.models import FaceChallenge
from django_faceauth.response_codes import advice_for
from django_faceauth.services import flow
from django_faceauth.services.flow import Word
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, AuthenticationStatus
from django_faceauth.wording import (
    COMPARING,
    LINK_RAN_OUT,
    NOT_STARTED,
    TROUBLE,
    WORDINGS,
    Text,
    Wording,
)


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


def wording_for(challenge: FaceChallenge, word: Word, trouble: Exception | None = None) -> Wording:
    """Say it to people; `trouble` is why the provider could not be asked just now."""
    title = _usual(challenge, word).title
    return Wording(title, _message(challenge, word, trouble))


def status_of(challenge: FaceChallenge) -> str:
    """Return the provider's status; empty before there is one."""
    return challenge.authentication.status if challenge.authentication else ""


def can_reopen(challenge: FaceChallenge) -> bool:
    """Tell whether the camera page of an attempt that is under way can be opened again."""
    return status_of(challenge) in BEFORE_CAPTURE


def _message(challenge: FaceChallenge, word: Word, trouble: Exception | None) -> Text:
    if word is Word.OPEN and trouble is not None:
        return TROUBLE
    if word is not Word.RETRY:
        return _usual(challenge, word).message
    if status_of(challenge) != AuthenticationStatus.RETRY_REQUIRED:
        return LINK_RAN_OUT
    return advice_for(challenge.authentication.codes if challenge.authentication else ())


def _usual(challenge: FaceChallenge, word: Word) -> Wording:
    if word is Word.OPEN and challenge.started_at is None and challenge.claimed_at is None:
        return NOT_STARTED
    if word is Word.OPEN and status_of(challenge) in AFTER_CAPTURE:
        return COMPARING
    return WORDINGS[word]
