"""What is approved, as data."""

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
from django_faceauth.services.grants.formatting import kept_lines, label, lines

pytestmark = pytest.mark.database

NONCE = "n" * 43


def digest_of(data, *, nonce=NONCE, action="pay", user_id=1):
    return digest(snapshot_of(data), nonce=nonce, action=action, user_id=user_id)


class Kind(str, enum.Enum):  # noqa: UP042 - such ones are about, and str() names the member
    GIFT = "gift"


def test_the_form_of_a_digest_is_fixed():
    """Made by hand from the version's description: a change of form is a new version."""
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
        (datetime(2026, 3, 1, 12, tzinfo=UTC), {"$moment": "2026-03-01T12:00:00+00:00"}),
        (UUID(int=1), {"$uuid": "00000000-0000-0000-0000-000000000001"}),
        (["a", ("b", 1)], ["a", ["b", 1]]),
        ({"b": 1, "a": {"c": None}}, {"b": 1, "a": {"c": None}}),
    ],
)
def test_what_can_be_approved(value, written):
    assert snapshot_of({"it": value}) == {"it": written}
    assert type(snapshot_of({"it": value})["it"]) is type(written)


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        b"bytes",
        {"set"},
        object(),
        lazystr("lazy"),
        timedelta(1),
        [1.5],
        {"deep": {"er": 1.5}},
        {1: "number as a name"},
        1j,
    ],
)
def test_what_is_not_definite_is_refused_loudly(value):
    """Floats above all (B-01)."""
    with pytest.raises(TypeError):
        snapshot_of({"it": value})


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"it": Decimal("NaN")},
        {"it": Decimal("Infinity")},
        {"it": Money(Decimal("-Infinity"), "EUR")},
        {"it": Money(Decimal("1E+999999"), "EUR")},
        {"it": Decimal("1E-999999")},
        {"it": Decimal("1E+41")},
        {"it": Decimal("1E-41")},
        {"it": datetime(2026, 3, 1)},  # noqa: DTZ001 - the point
        {"it": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},  # (F-41)
        {"$money": ["1", "EUR"]},
        {"it": {"$money": ["1", "EUR"]}},
    ],
)
def test_what_could_be_taken_for_something_else_is_refused(data):
    with pytest.raises(ValueError, match=r"approve"):
        snapshot_of(data)


@pytest.mark.parametrize("data", [None, [("a", 1)], "text", 3])
def test_only_mappings_can_be_approved(data):
    with pytest.raises(TypeError, match="mapping"):
        snapshot_of(data)


@pytest.mark.parametrize("amount", [1.5, "1.50", True, None])
def test_money_is_no_float(amount):
    with pytest.raises(TypeError, match="money"):
        Money(amount, "EUR")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_the_ends_of_time_can_be_shown(end, zone):
    """(F-41): sites write `datetime.max` for what has no end."""
    snapshot = snapshot_of({"until": getattr(datetime, end).replace(tzinfo=UTC)})

    with override_settings(TIME_ZONE=zone):
        (line,) = lines(snapshot, ["until"])

    assert re.search("0001|9999", line.values[0])


@pytest.mark.parametrize(
    "currency",
    [
        "",
        "eur",
        "EURO",
        "EU",
        "€",
        "E\u202eR",
        "EUR ",
        "EUR\n",
        "ÄÖÜ",
        "\uff25\uff35\uff32",
        "US1",
        None,
        978,
    ],
)
def test_a_currency_is_three_capital_letters(currency):
    """(F-65)."""
    with pytest.raises(ValueError, match="currency"):
        Money(Decimal(1), currency)


def test_the_same_moment_is_the_same_everywhere():
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert digest_of({"at": noon}) == digest_of({"at": there})


def test_the_order_of_names_is_of_no_matter_and_the_order_of_lists_is():
    """B-03: reordering what belongs together is a change."""
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})


def test_a_snapshot_that_nobody_checked_has_no_digest_either():
    """What is no JSON has no fixed form (B-01)."""
    with pytest.raises(ValueError, match="JSON"):
        digest({"it": float("nan")}, nonce=NONCE, action="pay", user_id=1)


def test_nothing_approved_has_no_digest():
    assert digest({}, nonce=NONCE, action="pay", user_id=1) == ""
    assert fingerprint({}) == ""


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


@given(data)
def test_a_snapshot_survives_the_database(data):
    """What is read back is what was written, and has the same digest."""
    snapshot = snapshot_of(data)

    read = json.loads(json.dumps(snapshot))

    assert read == snapshot
    assert fingerprint(read) == fingerprint(snapshot)


@given(data, data)
def test_different_things_have_different_digests(one, other):
    """Equal digests mean equal snapshots, and the other way round (T-2.10)."""
    written = [json.dumps(snapshot_of(each), sort_keys=True) for each in (one, other)]

    assert (digest_of(one) == digest_of(other)) == (written[0] == written[1])


@given(data, st.text(), st.text(), st.integers())
def test_a_digest_belongs_to_one_question_action_and_user(data, nonce, action, user_id):
    """T-2.10: another nonce, action or user is another digest."""
    given_digest = digest_of(data, nonce=nonce, action=action, user_id=user_id)

    assert given_digest != digest_of(data, nonce=nonce + "x", action=action, user_id=user_id)
    assert given_digest != digest_of(data, nonce=nonce, action=action + "x", user_id=user_id)
    assert given_digest != digest_of(data, nonce=nonce, action=action, user_id=user_id + 1)


@given(data)
def test_everything_that_can_be_approved_can_be_shown(data):
    """In the order that the site gave, whatever the database makes of it."""
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
        (datetime(2026, 3, 1, 12, tzinfo=UTC), ["March 1, 2026, 6 a.m. CST"]),
        (UUID(int=1), ["00000000-0000-0000-0000-000000000001"]),
        (["Anna", "Ben"], ["Anna", "Ben"]),
        ({"iban": "DE1", "bank_name": "Harbour"}, ["Iban: DE1", "Bank name: Harbour"]),
        ([], []),
        ({}, []),
    ],
)
def test_what_people_see(value, shown):
    [line] = lines(snapshot_of({"what_it_is": value}))

    assert (line.label, list(line.values)) == ("What it is", shown)


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
def test_nothing_hides_in_what_is_approved(text, shown):
    """In values, lists, mappings and kept fields (F-65)."""
    approved = snapshot_of({"payee": text, "list": [text], "mapping": {"inner": text}})

    assert [line.values for line in lines(approved)] == [(shown,), (shown,), (f"Inner: {shown}",)]
    assert kept_lines([["note", [text]]], {})[0].values == (shown,)
    assert approved["payee"] == text


def test_nothing_hides_in_a_name():
    """(F-65)."""
    assert label("pay\u202eee\nx") == "Pay[U+202E]ee↵x"


def test_labels_are_translatable():
    with translation.override("de"):
        assert label("password") == "Passwort"  # from Django's own catalogue


def test_kept_fields_are_shown_once():
    kept = [["amount", ["12"]], ["note", ["for", "you"]]]

    [line] = kept_lines(kept, {"amount": "12"})

    assert (line.label, line.values) == ("Note", ("for", "you"))
