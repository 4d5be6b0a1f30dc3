"""Parsing: any JSON becomes a snapshot or a `MalformedAnswer` (P-04)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import astuple
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.provider.resources import (
    MAX_STATUS_LENGTH,
    AssetSnapshot,
    AttemptSnapshot,
    AuthenticationSnapshot,
    Page,
    ResponseCode,
)
from tests.provider.samples import (
    APPLICANT,
    ATTEMPT,
    AUTHENTICATION,
    BACK,
    CAPTURE,
    FATP,
    FAV,
    JOURNEY,
)

Kind = type[AuthenticationSnapshot] | type[AttemptSnapshot] | type[AssetSnapshot]

ASSET = {"type": "face_image", "_links": {"asset_url": {"href": CAPTURE}}}
KINDS: list[tuple[Kind, dict[str, Any]]] = [
    (AuthenticationSnapshot, AUTHENTICATION),
    (AttemptSnapshot, ATTEMPT),
    (AssetSnapshot, ASSET),
]
each_kind = pytest.mark.parametrize(
    ("kind", "sample"), KINDS, ids=["authentication", "attempt", "asset"]
)

WORDS = [
    *("id", "status", "code", "summary", "href", "_links", "verification_url", "asset_url"),
    *("response_codes", "risk_labels", "created_on", "modified_on", "type", "data", "total_count"),
    *(FAV, FATP, "10000", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("2026-02-30T00:00:00Z", "approved", "applicant_id", "user_journey_id", "face"),
    *("redirect_url", "applicant_session_information", "ip_address"),
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(WORDS),
    st.integers(9_990, 70_010),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=10,
)


def read(data):
    return AuthenticationSnapshot.parse(data, operation="x")


def read_attempt(data):
    return AttemptSnapshot.parse(data, operation="x")


def is_decent(snapshot):
    """Tell whether every text in a snapshot is one that databases and logs can hold."""
    return all(text.isprintable() for text in texts_in(astuple(snapshot)))


def texts_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts_in(inner)
    else:
        assert value is None or type(value) in {bool, int, datetime}


def test_each_field_is_read():
    assert read(AUTHENTICATION) == AuthenticationSnapshot(
        id=FAV,
        status="approved",
        applicant_id=APPLICANT,
        user_journey_id=JOURNEY,
        response_codes=(ResponseCode(10000, "approved"),),
        risk_labels=("multiple_faces_detected",),
        created_on=datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
        modified_on=datetime(2026, 3, 1, 13, tzinfo=UTC),
        has_face=True,
    )
    assert read_attempt(ATTEMPT) == AttemptSnapshot(
        id=FATP,
        status="pending_redirection",
        redirect_url=BACK,
        capture_url=CAPTURE,
        created_on=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    assert AssetSnapshot.parse(ASSET, operation="x") == AssetSnapshot("face_image", CAPTURE)
    # Only the id is needed.
    assert read({"id": FAV}) == AuthenticationSnapshot(FAV, "")
    assert read_attempt({"id": FATP}) == AttemptSnapshot(FATP, "")


def test_personal_data_does_not_pass():
    """V-01: pictures, phone numbers and IP addresses are not in a snapshot."""
    told = ATTEMPT | {"applicant_session_information": {"ip_address": "192.0.2.99"}}

    passed = str([astuple(read(AUTHENTICATION)), astuple(read_attempt(told))])

    assert not [word for word in ("canary-face", "600000000", "192.0.2.99") if word in passed]


@each_kind
@given(overlay=st.dictionaries(st.sampled_from(WORDS), values, max_size=8))
@settings(max_examples=40, deadline=None)
def test_odd_fields_do_not_break_a_good_answer(kind, sample, overlay):
    overlay.pop("id", None)

    assert is_decent(kind.parse(sample | overlay, operation="x"))


@given(data=values)
@settings(max_examples=80, deadline=None)
def test_any_json_is_read_or_malformed(data):
    for kind, _sample in KINDS:
        with suppress(MalformedAnswer):
            assert isinstance(kind.parse(data, operation="x"), kind)
    with suppress(MalformedAnswer):
        page = Page.parse({"data": data}, AttemptSnapshot.parse, operation="x")
        assert isinstance(page.items, tuple)
    with suppress(MalformedAnswer):
        page = Page.parse(data, AttemptSnapshot.parse, operation="x")
        assert min(page.total_count, page.skip, page.limit) >= 0


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("under_review_2", "under_review_2"),
        ("s" * 65, "s" * MAX_STATUS_LENGTH),
        *(
            (odd, "")
            for odd in (
                *("appr\0oved", "approved\n", "\u200bapproved", "approved\ud800", "\x1bapproved"),
                *(None, 1, True, ["approved"], {"approved": 1}),
            )
        ),
    ],
)
def test_an_odd_status_does_not_become_another_one(status, kept):
    assert read(AUTHENTICATION | {"status": status}).status == kept


@pytest.mark.parametrize(
    ("value", "code"),
    [(10000, 10000), (69999, 69999), ("61101", 61101), ("10000", 10000)],
)
def test_codes_are_numbers_in_range_also_as_text(value, code):
    codes = {"response_codes": [{"code": value, "summary": "s" * 101}]}

    snapshot = read(AUTHENTICATION | codes)

    assert snapshot.response_codes == (ResponseCode(code, "s" * 100),)
    assert snapshot.facts["response_codes"] == [{"code": code, "summary": "s" * 100}]


@pytest.mark.parametrize(
    "value",
    [
        *(9999, 70000, 0, -10000, 10**400, 10000.0, True, None, [], {}),
        *("9999", "70000", "+1000", " 10000", "1_0000", "10000\n", "\u00b20000", ""),
        "\uff11\uff10\uff10\uff10\uff10",
    ],
    ids=repr,
)
def test_other_codes_are_dropped(value):
    codes = {"response_codes": [{"code": value}, {"code": 62321}]}

    assert read(AUTHENTICATION | codes).response_codes == (ResponseCode(62321),)


#: The time zones of the world, and those at the ends of what there can be.
OFFSETS = [timezone(timedelta(minutes=minutes)) for minutes in (-1439, -720, 0, 330, 840, 1439)]


class TestTimestamps:
    @pytest.mark.parametrize(
        ("told", "moment"),
        [
            ("2024-12-05T17:48:25.999831Z", datetime(2024, 12, 5, 17, 48, 25, 999831, UTC)),
            ("2024-12-05T17:48:25+05:30", datetime(2024, 12, 5, 12, 18, 25, 0, UTC)),
            ("2024-12-05T17:48:25", datetime(2024, 12, 5, 17, 48, 25, 0, UTC)),
            ("2024-12-05 17:48:25.5", datetime(2024, 12, 5, 17, 48, 25, 500000, UTC)),
        ],
    )
    def test_timestamps_are_utc(self, told, moment):
        read_moment = read(AUTHENTICATION | {"created_on": told}).created_on

        assert read_moment == moment
        assert read_moment.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "told",
        [
            *("", "soon", "2024-13-05T00:00:00Z", "2024-02-30T00:00:00Z", "1733420905", 1733420905),
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", None, [], "2024-12-05T25"),
            *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00-23:59", "1970-01-01T00:00:00Z"),
            *("1999-12-31T23:59:59Z", "2000-01-01T00:00:00+00:01", "2100-01-01T00:00:00Z"),
            *("2999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+23:59"),
        ],
    )
    def test_invalid_and_impossible_timestamps_are_none(self, told):
        """(F-41)."""
        assert read(AUTHENTICATION | {"created_on": told}).created_on is None

    @given(
        moment=st.datetimes(timezones=st.sampled_from(OFFSETS) | st.none()),
        separator=st.sampled_from("T "),
    )
    def test_any_timestamp_stays_in_range_of_arithmetic_and_time_zones(self, moment, separator):
        """(F-41): nothing overflows afterwards."""
        told = {"created_on": moment.isoformat(separator)}

        found = read(AUTHENTICATION | told).created_on

        if found is not None:
            assert found == (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            for offset in OFFSETS:
                found.astimezone(offset)
            found + timedelta(days=3650), found - timedelta(days=3650)
        else:
            assert not 2000 < moment.year < 2099


@pytest.mark.parametrize(
    "links",
    [
        *(None, [], "x", {}, {"verification_url": None}, {"verification_url": CAPTURE}),
        *({"verification_url": {"href": odd}} for odd in (None, [CAPTURE], f"{CAPTURE}\r\nX: y")),
    ],
)
def test_a_missing_link_is_empty(links):
    assert read_attempt(ATTEMPT | {"_links": links}).capture_url == ""
