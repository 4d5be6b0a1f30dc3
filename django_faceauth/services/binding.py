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

from django.utils.crypto import constant_time_compare

from django_faceauth.models import FaceChallenge
from django_faceauth.models.standing import Grant

VERSION: Final = "1"

#: Values that are shown in a way of their own are written as `{"$kind": text}`.
MARK: Final = "$"

#: A few characters of a form field can stand for a number of a million digits.
MOST_DIGITS: Final = 40

CURRENCY: Final = re.compile(r"[A-Z]{3}")

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
    that are not definite, and when there is nothing to approve.
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"what is approved is a mapping, not {type(data).__name__}")
    if not data:
        raise ValueError("there is nothing to approve")
    return _mapping(data)


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


def _mapping(data: Mapping[str, Any]) -> Snapshot:
    for key in data:
        if type(key) is not str:
            raise TypeError("names of what is approved are strings")
        if key.startswith(MARK):
            raise ValueError(f"names of what is approved must not begin with {MARK}")
    return {key: _value(value) for key, value in data.items()}


def _value(value: object) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} cannot be approved")


def _text(value: str) -> str:
    # Not str(): members of an enumeration would name themselves.
    return str.__str__(value)


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
    (Mapping, _mapping),
    (list | tuple, lambda value: [_value(item) for item in value]),
)
