"""Snapshots: what a user approves, as canonical JSON.

A snapshot keeps the type of each value, so that it can be shown to the user in its own way. Its
digest covers one challenge, one user and one action; the version changes with the format, so
that an old digest never matches a new snapshot.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import BadRequest
from django.utils.crypto import constant_time_compare

from django_faceauth.exceptions import SnapshotTooLarge
from django_faceauth.models import FaceChallenge
from django_faceauth.models.active_grants import Grant

VERSION: Final = "1"

#: Values of other types than JSON has are written as `{"$type": text}`.
MARK: Final = "$"

#: A few characters of a form field can mean a number of a million digits.
MOST_DIGITS: Final = 40

#: Limits of what a user can read before approving it: characters, and levels of mappings.
MOST_CHARACTERS: Final = 10_000
DEEPEST: Final = 5

CURRENCY: Final = re.compile(r"[A-Z]{3}")

#: PostgreSQL rejects NUL, and every database rejects lone surrogates.
UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")

Snapshot = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency (ISO 4217, such as `EUR`), shown as such.

    Raises `TypeError` for an amount that is neither a `Decimal` nor an `int`, and `ValueError`
    for a currency that is not three capital letters.
    """

    amount: Decimal | int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, Decimal | int):
            raise TypeError("an amount of money is a Decimal or an int")
        currency: object = self.currency
        if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
            raise ValueError("a currency is three capital letters, such as EUR")


def snapshot_of(data: Mapping[str, Any]) -> Snapshot:
    """Return the canonical form of the data that a site wants approved.

    Accepts text, whole numbers, `Decimal` (which becomes text), `Money`, bool, None, dates,
    aware datetimes, UUIDs, and lists and mappings of these. Raises `TypeError` for anything
    else, also for floats, which are inexact; `ValueError` for infinite numbers, naive
    datetimes and empty data; `BadRequest`, which Django answers with 400, for text that a
    database cannot store; and its subclass `SnapshotTooLarge` for more than 10,000 characters
    or five levels.
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"approved data must be a mapping, not {type(data).__name__}")
    if not data:
        raise ValueError("there is nothing to approve")
    snapshot = _mapping(data, 1)
    if len(json.dumps(snapshot, ensure_ascii=False)) > MOST_CHARACTERS:
        raise SnapshotTooLarge(f"approved data has more than {MOST_CHARACTERS} characters")
    return snapshot


def is_storable(text: str) -> bool:
    """Return whether every database can store a text."""
    return UNSTORABLE.search(text) is None


def fingerprint(snapshot: Snapshot) -> str:
    """Return a digest of a snapshot alone; empty for an empty snapshot."""
    return hashlib.sha256(_canonical(snapshot)).hexdigest() if snapshot else ""


def digest(snapshot: Snapshot, *, nonce: str, action: str, user_id: Any) -> str:
    """Return the digest of a snapshot for one challenge of one user; empty for an empty one."""
    if not snapshot:
        return ""
    whole = {"v": VERSION, "nonce": nonce, "action": action, "user": str(user_id)}
    return hashlib.sha256(_canonical(whole | {"data": snapshot})).hexdigest()


def matches(challenge: FaceChallenge | Grant, snapshot: Snapshot) -> bool:
    """Return whether a challenge approves exactly this snapshot, which may be empty."""
    expected = digest(
        snapshot, nonce=challenge.handle, action=challenge.action, user_id=challenge.user_id
    )
    return constant_time_compare(challenge.binding_digest, expected)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _mapping(data: Mapping[str, Any], level: int) -> Snapshot:
    _require_shallow(level)
    for key in data:
        if type(key) is not str:
            raise TypeError("names in approved data must be strings")
        if key.startswith(MARK):
            raise ValueError(f"names in approved data must not begin with {MARK}")
    return {_text(key): _value(value, level + 1) for key, value in data.items()}


def _require_shallow(level: int) -> None:
    if level > DEEPEST:
        raise SnapshotTooLarge(f"approved data has more than {DEEPEST} levels")


def _value(value: object, level: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return _mapping(value, level)
    if isinstance(value, list | tuple):
        _require_shallow(level)
        return [_value(item, level + 1) for item in value]
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} cannot be approved")


def _text(value: str) -> str:
    # Not str(), which gives the name of an enumeration member.
    text = str.__str__(value)
    if not is_storable(text):
        raise BadRequest("approved data holds characters that cannot be stored")
    return text


def _number(value: Decimal | int) -> str:
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError("approved numbers must be finite, with at most 40 digits")
    return str(value)


def _moment(value: datetime) -> dict[str, str]:
    if value.tzinfo is None:
        raise ValueError("approved datetimes must have a time zone")
    try:
        return {"$moment": value.astimezone(UTC).isoformat()}
    except OverflowError:
        raise ValueError("approved datetimes must be in range in UTC") from None


_WRITERS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (str, _text),
    (int, int),
    (Decimal, _number),
    (Money, lambda value: {"$money": [_number(value.amount), value.currency]}),
    (datetime, _moment),  # before date, whose kind it also is
    (date, lambda value: {"$date": value.isoformat()}),
    (UUID, lambda value: {"$uuid": str(value)}),
)
