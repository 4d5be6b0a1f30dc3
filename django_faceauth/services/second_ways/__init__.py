"""Recognise a user without a face, by what the site has installed."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """The result of a code or an assertion; `locked` means that it was not even checked."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    LOCKED = "locked"
    CLOSED = "closed"
