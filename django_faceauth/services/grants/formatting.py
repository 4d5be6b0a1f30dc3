"""Format snapshots and saved forms for pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.utils import formats, timezone
from django.utils.translation import gettext

from django_faceauth.services.grants.binding import Snapshot

#: Decimal places of currencies that have other than two (ISO 4217, minor units).
MINOR_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}

#: Line breaks of any kind, as `str.splitlines()` knows them.
_LINE_BREAK: Final = re.compile(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
#: Controls but the tab, surrogates, and what Unicode calls default-ignorable: bidirectional
#: controls, zero-width characters, fillers, tags, variation selectors.
_INVISIBLE: Final = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class Line(NamedTuple):
    """A label and its values, in the active language."""

    label: str
    values: tuple[str, ...]


def lines(snapshot: Snapshot, order: Iterable[str] = ()) -> list[Line]:
    """Return a snapshot as lines to show, those named in `order` first."""
    names = dict.fromkeys([*(name for name in order if name in snapshot), *snapshot])
    return [Line(label(name), tuple(_texts(snapshot[name]))) for name in names]


def plain(value: Any) -> Any:
    """Return a snapshot, or a part of one, as plain JSON for clients.

    Money is `{"amount": "12.50", "currency": "EUR"}`; dates and moments are ISO 8601.
    """
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind, content = next(iter(value.items()), ("", ""))
    if kind == "$money":
        return {"amount": content[0], "currency": content[1]}
    return content if kind in _READERS else {name: plain(item) for name, item in value.items()}


def kept_lines(kept: Iterable[tuple[str, list[str]]], snapshot: Snapshot) -> list[Line]:
    """Return saved form fields as lines to show, without those in the snapshot."""
    return [
        Line(label(name), tuple(map(visible, values)))
        for name, values in kept
        if name not in snapshot
    ]


def visible(text: str) -> str:
    """Return text without invisible characters, changes of direction, or line breaks.

    A line break becomes an arrow, any other such character its code point, as `[U+202E]`.
    """
    text = _LINE_BREAK.sub("\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", text)
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def label(name: str) -> str:
    """Return the label of a name: `bank_account` is "Bank account", or its translation.

    Sites translate it by an entry "Bank account" in a message catalogue of their own.
    """
    return visible(gettext(name.replace("_", " ").strip().capitalize() or name))


def moment(at: datetime) -> str:
    """Return a datetime as text, with its time zone."""
    try:
        local = timezone.localtime(at)
    except OverflowError:  # such as `datetime.max`
        local = at
    return f"{formats.date_format(local, 'DATETIME_FORMAT')} {local:%Z}"


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if not isinstance(value, dict):
        return [_plain(value)]
    kind, content = next(iter(value.items()), ("", ""))
    if kind in _READERS:
        return [_READERS[kind](content)]
    return [f"{label(name)}: {text}" for name, item in value.items() for text in _texts(item)]


def _plain(value: Any) -> str:
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return formats.localize(value, use_l10n=True) if isinstance(value, int) else visible(value)


def _money(content: list[str]) -> str:
    number, currency = Decimal(content[0]), content[1]
    places = max(MINOR_UNITS.get(currency, 2), -int(number.as_tuple().exponent))
    shown = formats.number_format(number, places, use_l10n=True, force_grouping=True)
    return f"{shown}\N{NO-BREAK SPACE}{visible(currency)}"


_READERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "$money": _money,
    "$date": lambda text: formats.date_format(date.fromisoformat(text), "DATE_FORMAT"),
    "$moment": lambda text: moment(datetime.fromisoformat(text)),
    "$uuid": str,
}
