"""Payloads of genuine deliveries."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.exceptions import EnvelopeInvalid
from django_faceauth.provider import webhook_payloads
from django_faceauth.provider.webhook_payloads import WebhookPayload
from tests.webhook_deliveries import event

FAV = "fav_" + "a" * 26
APPLICANT = "aplt_" + "a" * 26

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def read(envelope):
    return webhook_payloads.read(json.dumps(envelope).encode())


def reason(body):
    with pytest.raises(EnvelopeInvalid) as caught:
        webhook_payloads.read(body)
    return caught.value.reason


def reason_for(**changes):
    return reason(json.dumps(event(FAV, **changes)).encode())


def test_an_event_names_its_subject():
    moment = datetime(2026, 3, 1, tzinfo=UTC)

    payload = read(event(FAV, "opened", id="evt_" + "b" * 26, created_on=moment))

    assert payload == WebhookPayload(
        id="evt_" + "b" * 26,
        type="face_authentication_opened",
        provider_id=FAV,
        applicant_id=APPLICANT,
        created_on=moment,
    )
    assert payload.is_ours


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None},
        {"created_on": None},
        {"created_on": "yesterday"},
        {"created_on": 7},
        {"_links": "none"},
        {"something": {"new": [1, 2, 3]}},
        {"type": "face_authentication_invented_tomorrow"},
        {"id": "evnt_" + "z" * 26},
        {"deep": json.loads("[" * 19 + "]" * 19)},
        {"data": {"face_authentication_id": FAV, "applicant_id": 7}},
        {"data": {"face_authentication_id": FAV, "status": [], "response_codes": "no"}},
    ],
)
def test_other_fields_may_be_absent_odd_or_new(changes):
    """Only what is needed is read (W-21); statuses and codes count for nothing (W-07)."""
    assert read(event(FAV) | changes).provider_id == FAV


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"{}{}", "not_json"),
        (b'{"id": NaN}', "not_json"),
        (b'{"id": -Infinity}', "not_json"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        ('{"id": "é"}'.encode("latin-1"), "not_json"),
        ('{"id": 1}'.encode("utf-16"), "not_json"),
        (b"[" * 40_000, "not_json"),
        (b"[" * 21 + b"]" * 21, "too_deep"),
        (b'{"a":' * 21 + b"1" + b"}" * 21, "too_deep"),
        (b'{"id": 1, "id": 2}', "duplicate_key"),
        (b'{"data": {"a": 1, "a": 1}}', "duplicate_key"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "event_id"),
    ],
)
def test_json_is_read_strictly(body, said):
    """W-19."""
    assert reason(body) == said


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "evt_", "evt_short", "evt_" + "x" * 65, "evt_" + "a" * 20 + "/../x"),
        *("evt_" + "é" * 26, " evt_" + "a" * 26, "fav_" + "a" * 26 + "\n", "usj_" + "a" * 26),
        *(7, None, ["evt_"], "\ud800"),
    ],
)
def test_ids_have_their_shape(wrong):
    """W-19, TH-31."""
    assert reason_for(id=wrong) == "event_id"
    assert reason_for(data={"face_authentication_id": wrong}) == "authentication_id"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("identity_vérification_started", "identity_v?rification_started"),
        ("身份验证", "????"),
        ("", ""),
        ("a b", "a?b"),
        ("x" * 100, "x" * 100),
        ("x" * 5_000, "x" * 99 + "?"),
        ("a\x00b\r\nc\x1b[31m", "a?b??c??31m"),
        ("\u202eface\u200b", "?face?"),
        ("😀\ud800", "??"),
        ("face_authentication_é", "face_authentication_?"),
        ("\uff46ace_authentication_opened", "?ace_authentication_opened"),
        ("face_authentication_" + "x" * 500, "face_authentication_" + "x" * 79 + "?"),
        ("identity_verification_started", "identity_verification_started"),
    ],
)
def test_unknown_types_are_of_another_product(given, kept):
    """Kept bounded, in letters, digits, dots and dashes of ASCII (F-44, W-21)."""
    payload = read(event(FAV, type=given, data=7))

    assert payload.type == kept
    assert (payload.is_ours, payload.provider_id) == (False, "")


@pytest.mark.parametrize("wrong", [None, 7, ["face_authentication_opened"]])
def test_type_and_data_have_their_types(wrong):
    assert reason_for(type=wrong) == "event_type"
    assert reason_for(data=wrong) == "no_data"


@given(st.binary())
def test_any_bytes_end_in_a_refusal_of_ours(body):
    """W-22, TH-16."""
    with pytest.raises(EnvelopeInvalid):
        webhook_payloads.read(body)


@given(JSON, st.dictionaries(st.sampled_from(["id", "type", "data", "created_on"]), JSON))
def test_any_json_is_read_or_refused(value, overlay):
    for candidate in (value, event(FAV) | overlay):
        with suppress(EnvelopeInvalid):
            assert len(read(candidate).type) <= 100  # (F-44)
