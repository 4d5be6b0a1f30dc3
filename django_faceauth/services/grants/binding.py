"""What is being approved, as data that stays the same until it is done.

A snapshot is JSON that keeps the kind of each value, so that it can be shown to people as
what it is. The digest ties it to one question, one user and one action (B-01, T-2.10); its
version changes when the form does, so that an old digest never means something new.
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

#: Values that are shown in a way of their own are written as `{"$kind": text}`.
MARK: Final = "$"

#: A few characters of a form field can stand for a number of a million digits.
MOST_DIGITS: Final = 40

#: What people can read before they approve it: characters in all, and mappings in mappings.
MOST_CHARACTERS: Final = 10_000
DEEPEST: Final = 5

CURRENCY: Final = re.compile(r"[A-Z]{3}")

#: PostgreSQL takes no NUL, and no database half of a surrogate pair.
UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")

Snapshot = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency (ISO 4217, such as `EUR`), shown to people as such.

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
    """Return what a site wants approved, in its canonical form.

    Knows text, whole numbers, `Decimal` (which becomes text), `Money`, bool, None, dates,
    aware datetimes, UUIDs, and lists and mappings of these. Raises `TypeError` for anything
    else, floats above all: they are not what they look like. Raises `ValueError` for values
    that are not definite, and when there is nothing to approve. Raises `BadRequest`, which
    Django answers with 400, for text that a database cannot store, and `SnapshotTooLarge`, one
    of these, for more than 10,000 characters and for more than five levels.
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"what is approved is a mapping, not {type(data).__name__}")
    if not data:
        raise ValueError("there is nothing to approve")
    snapshot = _mapping(data, 1)
    if len(json.dumps(snapshot, ensure_ascii=False)) > MOST_CHARACTERS:
        raise SnapshotTooLarge(f"what is approved has more than {MOST_CHARACTERS} characters")
    return snapshot


def is_storable(text: str) -> bool:
    """Tell whether every database can store a text: no NUL, and nothing but Unicode."""
    return UNSTORABLE.search(text) is None


def fingerprint(snapshot: Snapshot) -> str:
    """Return a digest of a snapshot alone: empty for none, equal for equal ones."""
    return hashlib.sha256(_canonical(snapshot)).hexdigest() if snapshot else ""


def digest(snapshot: Snapshot, *, nonce: str, action: str, user_id: Any) -> str:
    """Return what ties a snapshot to one question of one user; empty for no snapshot."""
    if not snapshot:
        return ""
    whole = {"v": VERSION, "nonce": nonce, "action": action, "user": str(user_id)}
    return hashlib.sha256(_canonical(whole | {"data": snapshot})).hexdigest()


def matches(challenge: FaceChallenge | Grant, snapshot: Snapshot) -> bool:
    """Tell whether a challenge approves exactly this; without a snapshot, whether nothing."""
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
            raise TypeError("names of what is approved are strings")
        if key.startswith(MARK):
            raise ValueError(f"names of what is approved must not begin with {MARK}")
    return {_text(key): _value(value, level + 1) for key, value in data.items()}


def _list(values: list[Any] | tuple[Any, ...], level: int) -> list[Any]:
    _require_shallow(level)
    return [_value(value, level + 1) for value in values]


def _require_shallow(level: int) -> None:
    if level > DEEPEST:
        raise SnapshotTooLarge(f"what is approved has more than {DEEPEST} levels")


def _value(value: object, level: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return _mapping(value, level)
    if isinstance(value, list | tuple):
        return _list(value, level)
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} cannot be approved")


def _text(value: str) -> str:
    # Not str(): members of an enumeration would name themselves.
    text = str.__str__(value)
    if not is_storable(text):
        raise BadRequest("what is approved holds characters that cannot be stored")
    return text


def _number(value: Decimal | int) -> str:
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError("a number that is approved is finite, and can be written down")
    return str(value)


def _moment(value: datetime) -> dict[str, str]:
    if value.tzinfo is None:
        raise ValueError("a moment that is approved has a time zone")
    try:
        return {"$moment": value.astimezone(UTC).isoformat()}
    except OverflowError:
        raise ValueError("a moment that is approved is in range in UTC") from None


_WRITERS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (str, _text),
    (int, int),
    (Decimal, _number),
    (Money, lambda value: {"$money": [_number(value.amount), value.currency]}),
    (datetime, _moment),  # before date, whose kind it also is
    (date, lambda value: {"$date": value.isoformat()}),
    (UUID, lambda value: {"$uuid": str(value)}),
)
