"""Snapshots of approved data, their digests, and how they are shown."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from django.test import override_settings
from django.utils import translation
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.services.grants.binding import Money, digest, fingerprint, snapshot_of
from django_faceauth.services.grants.formatting import kept_lines, label, lines, plain

pytestmark = pytest.mark.database

NONCE = "n" * 43
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def digest_of(data, *, nonce=NONCE, action="pay", user_id=1):
    return digest(snapshot_of(data), nonce=nonce, action=action, user_id=user_id)


class Kind(str, enum.Enum):  # noqa: UP042 - str() gives the name of the member
    GIFT = "gift"


def test_the_format_of_a_digest_is_fixed():
    """Another format is another version."""
    data = {"amount": Decimal("12.50"), "payee": "Zoë", "total": Money(Decimal("1.5"), "EUR")}

    written = (
        '{"action":"pay","data":{"amount":"12.50","payee":"Zo\\u00eb",'
        '"total":{"$money":["1.5","EUR"]}},"nonce":"' + NONCE + '","user":"1","v":"1"}'
    )
    assert digest_of(data) == hashlib.sha256(written.encode()).hexdigest()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("text", "text"),
        (mark_safe("text"), "text"),
        (Kind.GIFT, "gift"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+40"), "1E+40"),
        (Decimal("1E-40"), "1E-40"),
        (Money(Decimal("12.50"), "EUR"), {"$money": ["12.50", "EUR"]}),
        (Money(12, "JPY"), {"$money": ["12", "JPY"]}),
        (date(2026, 3, 1), {"$date": "2026-03-01"}),
        (NOON, {"$moment": "2026-03-01T12:00:00+00:00"}),
        (UUID(int=1), {"$uuid": "00000000-0000-0000-0000-000000000001"}),
        (["a", ("b", 1)], ["a", ["b", 1]]),
        ({"b": 1, "a": {"c": None}}, {"b": 1, "a": {"c": None}}),
    ],
)
def test_what_can_be_approved(value, written):
    assert snapshot_of({"key": value}) == {"key": written}
    assert type(snapshot_of({"key": value})["key"]) is type(written)


INDEFINITE = [1.5, float("nan"), b"b", {"set"}, object(), lazystr("lazy"), timedelta(1), [1.5], 1j]
OUT_OF_RANGE = [
    *[Decimal(text) for text in ("NaN", "Infinity", "1E-999999", "1E+41", "1E-41")],
    *[Money(Decimal(text), "EUR") for text in ("-Infinity", "1E+999999")],
    datetime(2026, 3, 1),  # noqa: DTZ001 - the point
    datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),  # F-41
    {"$money": ["1", "EUR"]},
]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        *[(data, TypeError) for data in (None, [("a", 1)], "text", 3)],
        *[({"key": value}, TypeError) for value in INDEFINITE],
        ({"key": {"deep": {"er": 1.5}}}, TypeError),
        ({"key": {1: "number as a name"}}, TypeError),
        *[({"key": value}, ValueError) for value in OUT_OF_RANGE],
        ({"$money": ["1", "EUR"]}, ValueError),
        ({}, ValueError),
    ],
)
def test_what_cannot_be_approved(data, error):
    """Floats above all (B-01)."""
    with pytest.raises(error, match="approve"):
        snapshot_of(data)


CURRENCIES = ["", "eur", "EURO", "EU", "€", "E\u202eR", "EUR ", "EUR\n", "ÄÖÜ", "US1", None, 978]


@pytest.mark.parametrize(
    ("amount", "currency", "error"),
    [
        *[(amount, "EUR", TypeError) for amount in (1.5, "1.50", True, None)],
        *[(Decimal(1), currency, ValueError) for currency in CURRENCIES],
    ],
)
def test_money_is_no_float_and_has_a_currency_of_three_capital_letters(amount, currency, error):
    """F-65."""
    with pytest.raises(error, match="money" if error is TypeError else "currency"):
        Money(amount, currency)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_the_ends_of_time_can_be_shown(end, zone):
    """Sites write `datetime.max` for "no end" (F-41)."""
    snapshot = snapshot_of({"until": getattr(datetime, end).replace(tzinfo=UTC)})

    with override_settings(TIME_ZONE=zone):
        (line,) = lines(snapshot, ["until"])

    assert re.search("0001|9999", line.values[0])


def test_the_order_of_names_does_not_matter_but_that_of_lists_does():
    """B-03: another order of a batch is a change. Only JSON has a digest (B-01)."""
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert digest_of({"at": NOON}) == digest_of({"at": there})
    with pytest.raises(ValueError, match="JSON"):
        digest({"key": float("nan")}, nonce=NONCE, action="pay", user_id=1)
    assert digest({}, nonce=NONCE, action="pay", user_id=1) == fingerprint({}) == ""


#: What a database can store.
characters = st.characters(codec="utf-8", exclude_characters="\x00")
names = st.text(characters, min_size=1, max_size=8).filter(lambda name: not name.startswith("$"))
numbers = st.decimals(min_value=-(10**20), max_value=10**20, places=3)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(characters, max_size=8)
    | numbers
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.uuids()
    | st.builds(
        Money, st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["EUR", "JPY"])
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
data = st.dictionaries(names, values, min_size=1, max_size=4)


@given(data, data)
def test_digests_are_equal_if_snapshots_are(first, second):
    """And only then (T-2.10); also of a snapshot that was read from the database."""
    read = json.loads(json.dumps(snapshot_of(first)))
    assert read == snapshot_of(first)
    assert fingerprint(read) == fingerprint(snapshot_of(first))
    texts = [json.dumps(snapshot_of(data), sort_keys=True) for data in (first, second)]

    assert (digest_of(first) == digest_of(second)) == (texts[0] == texts[1])


@given(data, st.text(), st.text(), st.integers())
def test_a_digest_belongs_to_one_challenge_action_and_user(data, nonce, action, user_id):
    """T-2.10."""
    given_digest = digest_of(data, nonce=nonce, action=action, user_id=user_id)

    assert given_digest != digest_of(data, nonce=nonce + "x", action=action, user_id=user_id)
    assert given_digest != digest_of(data, nonce=nonce, action=action + "x", user_id=user_id)
    assert given_digest != digest_of(data, nonce=nonce, action=action, user_id=user_id + 1)


@given(data)
def test_everything_that_can_be_approved_can_be_shown(data):
    """In the order that the site gave."""
    snapshot = snapshot_of(data)
    as_stored = dict(sorted(snapshot.items()))

    shown = lines(as_stored, list(snapshot))

    assert [line.label for line in shown] == [label(name) for name in snapshot]
    assert all(isinstance(text, str) for line in shown for text in line.values)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Money(Decimal("1234.5"), "EUR"), ["1,234.50\xa0EUR"]),
        (Money(Decimal("1234"), "JPY"), ["1,234\xa0JPY"]),
        (Money(Decimal("1.5"), "KWD"), ["1.500\xa0KWD"]),
        (Money(Decimal("0.125"), "EUR"), ["0.125\xa0EUR"]),
        (Money(Decimal("1E+3"), "EUR"), ["1,000.00\xa0EUR"]),
        (Money(7, "EUR"), ["7.00\xa0EUR"]),
        (1234, ["1234"]),
        (Decimal("12.50"), ["12.50"]),
        (True, ["Yes"]),
        (False, ["No"]),
        (None, ["\N{EN DASH}"]),
        (date(2026, 3, 1), ["March 1, 2026"]),
        (NOON, ["March 1, 2026, 6 a.m. CST"]),
        (UUID(int=1), ["00000000-0000-0000-0000-000000000001"]),
        (["Anna", "Ben"], ["Anna", "Ben"]),
        ({"iban": "DE1", "bank_name": "Harbour"}, ["Iban: DE1", "Bank name: Harbour"]),
        ([], []),
        ({}, []),
    ],
)
def test_values_are_shown(value, shown):
    [line] = lines(snapshot_of({"some_name": value}))

    assert (line.label, list(line.values)) == ("Some name", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna\u202egpj", "Anna[U+202E]gpj"),
        ("\u2066a\u2069\u200f\u061c", "[U+2066]a[U+2069][U+200F][U+061C]"),
        ("A\u200bn\u200dn\u2060a\ufeff", "A[U+200B]n[U+200D]n[U+2060]a[U+FEFF]"),
        ("Anna\nAmount: 1 EUR", "Anna↵Amount: 1 EUR"),
        ("a\r\nb\rc\x85d\u2028e\x0bf\x1cg", "a↵b↵c↵d↵e↵f↵g"),
        ("\x1b[31m\x7f", "[U+001B][31m[U+007F]"),
        ("a\u00adb\u3164\U000e0041\ufe0f", "a[U+00AD]b[U+3164][U+E0041][U+FE0F]"),
        ("Zoë Müller, 東京, שלום, 😀\ttab", "Zoë Müller, 東京, שלום, 😀\ttab"),
    ],
)
def test_invisible_characters_are_made_visible(text, shown):
    """In values, lists, mappings, names and kept fields (F-65)."""
    approved = snapshot_of({"payee": text, "list": [text], "mapping": {"inner": text}})

    assert [line.values for line in lines(approved)] == [(shown,), (shown,), (f"Inner: {shown}",)]
    assert kept_lines([["note", [text]]], {})[0].values == (shown,)
    assert approved["payee"] == text


def test_labels_are_translated_and_kept_fields_shown_once():
    assert label("pay\u202eee\nx") == "Pay[U+202E]ee↵x"
    with translation.override("de"):
        assert label("password") == "Passwort"  # from Django's own catalogue
    [line] = kept_lines([["amount", ["12"]], ["note", ["for", "you"]]], {"amount": "12"})
    assert (line.label, line.values) == ("Note", ("for", "you"))


def test_clients_get_a_snapshot_without_our_marks():
    snapshot = snapshot_of({"paid": [Money(12, "EUR"), {"on": date(2026, 3, 1)}], "count": 2})

    assert plain(snapshot) == {
        "paid": [{"amount": "12", "currency": "EUR"}, {"on": "2026-03-01"}],
        "count": 2,
    }
