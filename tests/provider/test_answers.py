"""Malformed responses and errors of the provider."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from unittest.mock import ANY

import pytest
import responses

from django_faceauth.exceptions import (
    AccessDenied,
    Conflict,
    MalformedAnswer,
    NotFound,
    ProviderError,
    Rejected,
    Unavailable,
)
from tests.provider.samples import (
    ATTEMPT,
    AUTHENTICATION,
    CALLS,
    FATP,
    FAV,
    HOST,
    client_of,
    patient,
)

JSON = "application/json"
OTHER_FAV = "fav_" + "z" * 26


@pytest.fixture
def client():
    return client_of(HOST, patient())


def answers(network, body, **options):
    """Answer every call, whatever its method and URL."""
    options = {"status": 200, "content_type": JSON, **options}
    for method in (responses.GET, responses.POST):
        network.add(method, re.compile(".*"), body=body, **options)


NO_ANSWERS: list[dict[str, Any]] = [
    {"body": "<html></html>"},
    {"body": json.dumps(AUTHENTICATION), "content_type": "text/html"},
    {"body": json.dumps(AUTHENTICATION), "content_type": ""},
    {"body": "{}\n{}", "content_type": "application/jsonl"},
    {"body": ""},
    {"body": json.dumps([AUTHENTICATION])},
    {"body": "null"},
    {"body": json.dumps(AUTHENTICATION | {"x": float("nan")})},
    {"body": json.dumps(AUTHENTICATION | {"x": float("-inf")})},
    {"body": json.dumps(AUTHENTICATION) * 2},
    {"body": '{"a":' * 100_000},
    {"body": '{"x":' + "[" * 100_000 + "]" * 100_000 + "}"},
    {"body": '{"x": %s}' % ("9" * 5000)},
    {"body": b'{"id": "\xff\xfe\xfd"}'},
    {
        "body": gzip.compress(json.dumps(AUTHENTICATION).encode()),
        "headers": {"Content-Encoding": "gzip"},
        "auto_calculate_content_length": True,
    },
    {"body": "", "status": 204},
    {"body": "", "status": 304},
    {"body": json.dumps(AUTHENTICATION), "status": 302, "headers": {"Location": f"{HOST}/x"}},
]


@pytest.mark.parametrize("operation", ["create_attempt", "list_attempts"])
@pytest.mark.parametrize("no_answer", NO_ANSWERS, ids=lambda answer: str(answer["body"])[:20])
def test_anything_but_a_json_object_is_malformed(network, client, operation, no_answer):
    answers(network, **{"headers": {}, **no_answer})

    with pytest.raises(MalformedAnswer) as caught:
        CALLS[operation](client)

    assert caught.value.operation == operation
    assert caught.value.status_code == no_answer.get("status", 200)
    assert not caught.value.retryable
    assert len(network.calls) == 1


@pytest.mark.parametrize(
    "content_type", [JSON, "application/json; charset=utf-8", "Application/JSON", "text/x+json"]
)
def test_json_is_read_under_any_of_its_media_types(network, client, content_type):
    answers(network, json.dumps(AUTHENTICATION), content_type=content_type, status=202)

    assert client.get_authentication(FAV).id == FAV

    assert len(network.calls) == 1  # P-01: no link of an answer is followed


WRONG_IDS = [*("", None, 7, ["fav_a"], {"fav_a": 1}, "fav_", "fav_a/../b", f"{FAV}\n", OTHER_FAV)]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        *(("get_authentication", AUTHENTICATION | {"id": wrong}) for wrong in (*WRONG_IDS, FATP)),
        *(("anonymize_authentication", AUTHENTICATION | {"id": wrong}) for wrong in WRONG_IDS),
        *(("get_attempt", ATTEMPT | {"id": wrong}) for wrong in ("fatp_" + "z" * 26, *WRONG_IDS)),
        *((name, {"status": "approved"}) for name in CALLS if not name.startswith("list_")),
        *(
            ("list_attempts", {"data": [ATTEMPT, entry]})
            for entry in (None, 1, "fatp_a", [], {}, {"id": FAV})
        ),
    ],
)
def test_a_response_without_the_requested_id_is_malformed(network, client, operation, body):
    answers(network, json.dumps(body))

    with pytest.raises(MalformedAnswer):
        CALLS[operation](client)


class TestErrors:
    KINDS = {400: Rejected, 401: AccessDenied, 403: AccessDenied, 404: NotFound, 409: Conflict}
    KINDS |= {410: NotFound, 422: Rejected, 429: Unavailable}

    def test_each_status_is_one_kind_of_error(self, network, client):
        codes = ("applicant_id_required", "other__invalid")
        body = json.dumps({"error_type": "x", "error_codes": codes})
        for status in range(400, 600):
            answers(network, body, status=status, headers={"Cko-Request-Id": "0HL80-1"})

            with pytest.raises(ProviderError) as caught:
                client.anonymize_authentication(FAV)

            error = caught.value
            other = Rejected if status < 500 else Unavailable
            assert type(error) is self.KINDS.get(status, other), status
            assert (error.operation, error.status_code) == ("anonymize_authentication", status)
            assert (error.request_id, error.codes) == ("0HL80-1", codes)
            assert error.retryable is (status == 429 or status >= 500)
            network.reset()

    @pytest.mark.parametrize("status", [401, 500])
    @pytest.mark.parametrize(
        "body",
        [
            "",
            "[]",
            "{" * 100_000,
            '{"error_codes": "text"}',
            '{"error_codes": [null, 1, [], {}, ["a"]]}',
            '{"error_codes": ["line\\nbreak", "<script>", "a b", "", "\\u0000", "\\ud800", "ä"]}',
            json.dumps({"error_codes": ["a" * 101]}),
        ],
        ids=lambda body: body[:20] or "empty",
    )
    def test_odd_bodies_have_no_codes(self, network, client, status, body):
        answers(network, body, status=status)

        with pytest.raises(self.KINDS.get(status, Unavailable)) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.codes == ()
        assert str(caught.value) == f"anonymize_authentication failed status={status}"

    def test_the_first_ten_codes_are_kept_if_well_formed(self, network, client):
        codes = ["<b>", *[f"code_{number}" for number in range(20)]]
        answers(network, json.dumps({"error_codes": codes}), status=422)

        with pytest.raises(Rejected) as caught:
            client.get_authentication(FAV)

        assert caught.value.codes == tuple(codes[1:10])

    @pytest.mark.parametrize(
        ("request_id", "kept"),
        [
            *((good, good) for good in ("0HL80RJLS76I7", "a-b_c", "a" * 64)),
            *((odd, "") for odd in ("", "<script>", "a" * 65, "é", "id status=200")),
        ],
    )
    @pytest.mark.parametrize("status", [200, 500])
    def test_an_odd_request_id_is_dropped(self, network, client, status, request_id, kept):
        answers(network, "[]", status=status, headers={"Cko-Request-Id": request_id})

        with pytest.raises(ProviderError) as caught:
            client.get_authentication(FAV)

        assert caught.value.request_id == kept

    @pytest.mark.parametrize("status", [429, 500])
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("120", 120),
            ("Thu, 01 Jan 2015 00:00:00 GMT", 0),
            ("in an hour", pytest.approx(3600, abs=60)),
            *((odd, None) for odd in ("soon", "", "-5", "1e3", "²", "9" * 5000)),
            ("9" * 400, ANY),  # newer releases of urllib3 have an upper limit
            ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_the_error_has_the_seconds_to_wait(self, network, client, status, value, seconds):
        if value == "in an hour":  # from now, not from when the tests were collected
            value = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        answers(network, "", status=status, headers={"Retry-After": value})

        with pytest.raises(Unavailable) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.status_code == status
        assert caught.value.retry_after == seconds
