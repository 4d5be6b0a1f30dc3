"""The edge: whatever JSON holds becomes a snapshot or a `MalformedAnswer` (P-04)."""

from __future__ import annotations

from collections.abc import Iterator
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

KINDS: list[tuple[Kind, dict[str, Any]]] = [
    (AuthenticationSnapshot, AUTHENTICATION),
    (AttemptSnapshot, ATTEMPT),
    (AssetSnapshot, {"type": "face_image", "_links": {"asset_url": {"href": CAPTURE}}}),
]
each_kind = pytest.mark.parametrize(
    ("kind", "sample"), KINDS, ids=["authentication", "attempt", "asset"]
)

WORDS = [
    *("id", "status", "code", "summary", "href", "_links", "verification_url", "asset_url"),
    *("response_codes", "risk_labels", "created_on", "modified_on", "type", "data", "total_count"),
    *(FAV, FATP, "10000", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("2026-02-30T00:00:00Z", "approved"),
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


def read(data: object) -> AuthenticationSnapshot:
    return AuthenticationSnapshot.parse(data, operation="x")


def read_attempt(data: object) -> AttemptSnapshot:
    return AttemptSnapshot.parse(data, operation="x")


def is_decent(snapshot: Any) -> bool:
    """Tell whether every text in a snapshot is one that databases and logs can hold."""
    return all(text.isprintable() for text in texts_in(astuple(snapshot)))


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts_in(inner)
    else:
        assert value is None or type(value) in {bool, int, datetime}


def test_an_authentication_is_read_field_by_field() -> None:
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


def test_an_attempt_is_read_field_by_field() -> None:
    assert read_attempt(ATTEMPT) == AttemptSnapshot(
        id=FATP,
        status="pending_redirection",
        redirect_url=BACK,
        capture_url=CAPTURE,
        created_on=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


def test_personal_data_does_not_pass() -> None:
    """V-01: no picture, no phone number, no address of a browser gets into a snapshot."""
    told = ATTEMPT | {"applicant_session_information": {"ip_address": "192.0.2.99"}}

    passed = str([astuple(read(AUTHENTICATION)), astuple(read_attempt(told))])

    assert not [word for word in ("canary-face", "600000000", "192.0.2.99") if word in passed]


@each_kind
@given(data=values)
@settings(max_examples=80, deadline=None)
def test_any_json_is_read_or_malformed(kind: Kind, sample: object, data: object) -> None:
    with suppress(MalformedAnswer):
        assert isinstance(kind.parse(data, operation="x"), kind)


@each_kind
@given(overlay=st.dictionaries(st.sampled_from(WORDS), values, max_size=8))
@settings(max_examples=40, deadline=None)
def test_odd_fields_do_not_break_a_good_answer(
    kind: Kind, sample: dict[str, Any], overlay: dict[str, Any]
) -> None:
    overlay.pop("id", None)

    snapshot = kind.parse(sample | overlay, operation="x")

    assert is_decent(snapshot)


@given(data=values)
@settings(max_examples=80, deadline=None)
def test_any_page_is_read_or_malformed(data: object) -> None:
    with suppress(MalformedAnswer):
        page = Page.parse({"data": data}, AttemptSnapshot.parse, operation="x")
        assert isinstance(page.items, tuple)
    with suppress(MalformedAnswer):
        page = Page.parse(data, AttemptSnapshot.parse, operation="x")
        assert min(page.total_count, page.skip, page.limit) >= 0


@each_kind
@pytest.mark.parametrize("odd", [None, 0, 1.5, True, "", "\0", [], {}, [[]], [None], {"href": 1}])
def test_each_field_may_be_odd_or_absent(kind: Kind, sample: dict[str, Any], odd: object) -> None:
    for name in sample.keys() - {"id"}:
        without = {key: value for key, value in sample.items() if key != name}

        assert is_decent(kind.parse(without, operation="x"))
        assert is_decent(kind.parse(sample | {name: odd}, operation="x"))


def test_only_the_id_is_needed() -> None:
    assert read({"id": FAV}) == AuthenticationSnapshot(FAV, "")
    assert read_attempt({"id": FATP}) == AttemptSnapshot(FATP, "")


class TestStatus:
    def test_an_unknown_status_stays_the_text_it_was(self) -> None:
        assert read(AUTHENTICATION | {"status": "under_review_2"}).status == "under_review_2"

    def test_a_long_status_is_cut(self) -> None:
        assert read(AUTHENTICATION | {"status": "s" * 65}).status == "s" * MAX_STATUS_LENGTH

    @pytest.mark.parametrize(
        "status", ["appr\0oved", "approved\n", "\u200bapproved", "approved\ud800", "\x1bapproved"]
    )
    def test_a_status_with_an_odd_character_does_not_become_another_one(self, status: str) -> None:
        assert read(AUTHENTICATION | {"status": status}).status == ""

    @pytest.mark.parametrize("status", [None, 1, True, ["approved"], {"approved": 1}])
    def test_a_status_that_is_no_text_is_none(self, status: object) -> None:
        assert read(AUTHENTICATION | {"status": status}).status == ""


class TestCodes:
    @pytest.mark.parametrize(
        ("told", "code"),
        [(10000, 10000), (69999, 69999), ("61101", 61101), ("10000", 10000)],
    )
    def test_numbers_in_range_are_codes_also_as_text(self, told: object, code: int) -> None:
        told_codes = {"response_codes": [{"code": told, "summary": "s"}]}

        assert read(AUTHENTICATION | told_codes).response_codes == (ResponseCode(code, "s"),)

    @pytest.mark.parametrize(
        "told",
        [
            *(9999, 70000, 0, -10000, 10**400, 10000.0, True, None, [], {}),
            *(
                "9999",
                "70000",
                "+1000",
                " 10000",
                "1_0000",
                "10000\n",
                "\uff11\uff10\uff10\uff10\uff10",
                "\u00b20000",
                "",
            ),
        ],
        ids=repr,
    )
    def test_anything_else_is_dropped(self, told: object) -> None:
        codes = {"response_codes": [{"code": told}, {"code": 62321}]}

        assert read(AUTHENTICATION | codes).response_codes == (ResponseCode(62321),)

    def test_a_code_keeps_its_shape_in_json(self) -> None:
        assert ResponseCode(61101, "applicant_never_started").as_json() == {
            "code": 61101,
            "summary": "applicant_never_started",
        }

    def test_a_long_summary_is_cut(self) -> None:
        codes = {"response_codes": [{"code": 10000, "summary": "s" * 101}]}

        assert read(AUTHENTICATION | codes).response_codes[0].summary == "s" * 100


#: The time zones of the world, and those at the ends of what there can be.
OFFSETS = [timezone(timedelta(minutes=minutes)) for minutes in (-1439, -720, 0, 330, 840, 1439)]


class TestMoments:
    @pytest.mark.parametrize(
        ("told", "moment"),
        [
            ("2024-12-05T17:48:25.999831Z", datetime(2024, 12, 5, 17, 48, 25, 999831, UTC)),
            ("2024-12-05T17:48:25+05:30", datetime(2024, 12, 5, 12, 18, 25, 0, UTC)),
            ("2024-12-05T17:48:25", datetime(2024, 12, 5, 17, 48, 25, 0, UTC)),
            ("2024-12-05 17:48:25.5", datetime(2024, 12, 5, 17, 48, 25, 500000, UTC)),
        ],
    )
    def test_moments_are_utc(self, told: str, moment: datetime) -> None:
        read_moment = read(AUTHENTICATION | {"created_on": told}).created_on

        assert read_moment == moment
        assert read_moment.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "told",
        [
            *("", "soon", "2024-13-05T00:00:00Z", "2024-02-30T00:00:00Z", "1733420905", 1733420905),
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", None, [], "2024-12-05T25"),
        ],
    )
    def test_what_is_no_moment_is_none(self, told: object) -> None:
        assert read(AUTHENTICATION | {"created_on": told}).created_on is None

    @pytest.mark.parametrize(
        "told",
        [
            *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00-23:59", "1970-01-01T00:00:00Z"),
            *("1999-12-31T23:59:59Z", "2000-01-01T00:00:00+00:01", "2100-01-01T00:00:00Z"),
            *("2999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+23:59"),
        ],
    )
    def test_what_cannot_be_true_is_none(self, told: str) -> None:
        """(F-41)."""
        assert read(AUTHENTICATION | {"created_on": told}).created_on is None

    @given(
        moment=st.datetimes(timezones=st.sampled_from(OFFSETS) | st.none()),
        separator=st.sampled_from("T "),
    )
    def test_any_moment_stays_in_range_of_arithmetic_and_time_zones(
        self, moment: datetime, separator: str
    ) -> None:
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


class TestLinks:
    @pytest.mark.parametrize(
        "links",
        [
            None,
            [],
            "x",
            {},
            {"verification_url": None},
            {"verification_url": CAPTURE},
            {"verification_url": {"href": None}},
            {"verification_url": {"href": [CAPTURE]}},
            {"verification_url": {"href": f"{CAPTURE}\r\nX: y"}},
        ],
    )
    def test_a_link_that_is_not_there_is_empty(self, links: object) -> None:
        assert read_attempt(ATTEMPT | {"_links": links}).capture_url == ""

    def test_bearer_links_are_not_shown(self) -> None:
        """U-07."""
        asset = AssetSnapshot.parse(
            {"type": "face_image", "_links": {"asset_url": {"href": CAPTURE}}}, operation="x"
        )

        assert asset.url == read_attempt(ATTEMPT).capture_url == CAPTURE
        assert CAPTURE not in f"{asset} {asset!r} {read_attempt(ATTEMPT)}"


class TestPages:
    @pytest.mark.parametrize("odd", [None, -1, True, "3", 1.5, []])
    def test_odd_counts_are_replaced_by_what_is_seen(self, odd: object) -> None:
        told = {"data": [ATTEMPT], "total_count": odd, "skip": odd, "limit": odd}

        page = Page.parse(told, AttemptSnapshot.parse, operation="x")

        assert (page.total_count, page.skip, page.limit) == (1, 0, 1)

    @pytest.mark.parametrize("data", [None, {}, "x", 1])
    def test_a_page_without_a_list_is_empty(self, data: object) -> None:
        page = Page.parse({"data": data}, AttemptSnapshot.parse, operation="x")

        assert (page.items, page.total_count) == ((), 0)


def test_snapshots_do_not_change() -> None:
    snapshot = read(AUTHENTICATION)

    with pytest.raises(AttributeError):
        snapshot.status = "declined"  # type: ignore[misc]
    assert hash(snapshot) == hash(read(AUTHENTICATION))
