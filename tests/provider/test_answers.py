"""Malformed responses and errors of the provider."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

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
from django_faceauth.provider.client import Client
from django_faceauth.provider.transport import Transport
from tests.provider.samples import (
    ATTEMPT,
    AUTHENTICATION,
    CALLS,
    CAPTURE,
    FATP,
    FAV,
    HOST,
    Clock,
    client_of,
)

JSON = "application/json"
OTHER_FAV = "fav_" + "z" * 26

#: An answer that suits each call.
ANSWERS: dict[str, Any] = {
    "create_authentication": AUTHENTICATION,
    "get_authentication": AUTHENTICATION,
    "anonymize_authentication": AUTHENTICATION,
    "create_attempt": ATTEMPT,
    "list_attempts": {"data": [ATTEMPT]},
    "get_attempt": ATTEMPT,
    "list_assets": {"data": [{"type": "face_image"}]},
}


@pytest.fixture
def network() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as network:
        yield network


@pytest.fixture
def client() -> Client:
    clock = Clock()
    return client_of(HOST, Transport(clock=clock, sleep=clock.sleep))


def answers(network: responses.RequestsMock, body: str | bytes, **options: Any) -> None:
    """Answer every call, whatever its method and address."""
    options = {"status": 200, "content_type": JSON, **options}
    network.assert_all_requests_are_fired = False
    for method in (responses.GET, responses.POST):
        network.add(method, re.compile(".*"), body=body, **options)


NO_ANSWERS: dict[str, dict[str, Any]] = {
    "HTML": {"body": "<html><h1>It works!</h1></html>", "content_type": "text/html"},
    "HTML called JSON": {"body": "<html></html>"},
    "JSON called HTML": {"body": json.dumps(AUTHENTICATION), "content_type": "text/html"},
    "JSON called text": {"body": json.dumps(AUTHENTICATION), "content_type": "text/plain"},
    "JSON lines": {"body": "{}\n{}", "content_type": "application/jsonl"},
    "JSON called nothing": {"body": json.dumps(AUTHENTICATION), "content_type": ""},
    "empty body": {"body": ""},
    "list": {"body": json.dumps([AUTHENTICATION])},
    "text": {"body": '"fav_a"'},
    "null": {"body": "null"},
    "number": {"body": "1"},
    "NaN": {"body": json.dumps(AUTHENTICATION | {"x": float("nan")})},
    "Infinity": {"body": json.dumps(AUTHENTICATION | {"x": float("-inf")})},
    "half of it": {"body": json.dumps(AUTHENTICATION)[:-1]},
    "two of it": {"body": json.dumps(AUTHENTICATION) * 2},
    "deep list": {"body": '{"x":' + "[" * 100_000},
    "deep object": {"body": '{"a":' * 100_000},
    "deep and complete": {"body": '{"x":' + "[" * 100_000 + "]" * 100_000 + "}"},
    "number without end": {"body": '{"x": %s}' % ("9" * 5000)},
    "not UTF-8": {"body": b'{"id": "\xff\xfe\xfd"}'},
    "gzip": {
        "body": gzip.compress(json.dumps(AUTHENTICATION).encode()),
        "headers": {"Content-Encoding": "gzip"},
        "auto_calculate_content_length": True,
    },
    "no content": {"body": "", "status": 204},
    "not modified": {"body": "", "status": 304},
    "redirect": {
        "body": json.dumps(AUTHENTICATION),
        "status": 302,
        "headers": {"Location": f"{HOST}/x"},
    },
    "permanent redirect": {"body": "", "status": 308, "headers": {"Location": "https://evil.com"}},
}


@pytest.mark.parametrize("operation", ["create_attempt", "list_attempts"])
@pytest.mark.parametrize("no_answer", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_anything_but_a_json_object_is_malformed(
    network: responses.RequestsMock, client: Client, operation: str, no_answer: dict[str, Any]
) -> None:
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
def test_json_is_read_under_any_of_its_media_types(
    network: responses.RequestsMock, client: Client, content_type: str
) -> None:
    for operation, call in CALLS.items():
        answers(network, json.dumps(ANSWERS[operation]), content_type=content_type, status=202)
        assert call(client)
        network.reset()


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
def test_a_response_without_the_requested_id_is_malformed(
    network: responses.RequestsMock, client: Client, operation: str, body: object
) -> None:
    answers(network, json.dumps(body))

    with pytest.raises(MalformedAnswer):
        CALLS[operation](client)


def test_links_in_answers_are_never_followed(
    network: responses.RequestsMock, client: Client
) -> None:
    """P-01: they may lead to the metadata service of the cloud."""
    answers(network, json.dumps(AUTHENTICATION))

    client.get_authentication(FAV)
    client.anonymize_authentication(FAV)

    assert {call.request.url.split(FAV)[0] for call in network.calls if call.request.url} == {
        f"{HOST}/face-authentications/"
    }


def test_a_page_is_asked_for_with_skip_and_limit(
    network: responses.RequestsMock, client: Client
) -> None:
    answers(network, json.dumps({"data": [ATTEMPT], "total_count": 12, "skip": 5, "limit": 1}))

    page = client.list_attempts(FAV, skip=5, limit=1)
    client.list_assets(FAV, FATP)

    assert (page.total_count, page.skip, page.limit) == (12, 5, 1)
    assert page.items[0].capture_url == CAPTURE
    asked = [call.request.url for call in network.calls]
    assert asked == [
        f"{HOST}/face-authentications/{FAV}/attempts?skip=5&limit=1",
        f"{HOST}/face-authentications/{FAV}/attempts/{FATP}/assets?skip=0&limit=10",
    ]


class TestErrors:
    KINDS = {400: Rejected, 401: AccessDenied, 403: AccessDenied, 404: NotFound, 409: Conflict}
    KINDS |= {410: NotFound, 422: Rejected, 429: Unavailable}

    def test_each_status_is_one_kind_of_error(
        self, network: responses.RequestsMock, client: Client
    ) -> None:
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

    @pytest.mark.parametrize("status", [401, 422, 500])
    @pytest.mark.parametrize(
        "body",
        [
            "",
            "null",
            "[]",
            "<html>",
            "{" * 100_000,
            '{"error_codes": null}',
            '{"error_codes": "text"}',
            '{"error_codes": {"a": 1}}',
            '{"error_codes": [null, 1, [], {}, ["a"]]}',
            '{"error_codes": ["line\\nbreak", "<script>", "a b", "", "\\u0000", "\\ud800", "ä"]}',
            json.dumps({"error_codes": ["a" * 101]}),
        ],
        ids=lambda body: body[:20] or "empty",
    )
    def test_odd_bodies_have_no_codes(
        self, network: responses.RequestsMock, client: Client, status: int, body: str
    ) -> None:
        answers(network, body, status=status)

        with pytest.raises(self.KINDS.get(status, Unavailable)) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.codes == ()
        assert str(caught.value) == f"anonymize_authentication failed status={status}"

    def test_the_first_ten_codes_are_kept_if_well_formed(
        self, network: responses.RequestsMock, client: Client
    ) -> None:
        codes = ["<b>", *[f"code_{number}" for number in range(20)]]
        answers(network, json.dumps({"error_codes": codes}), status=422)

        with pytest.raises(Rejected) as caught:
            client.get_authentication(FAV)

        assert caught.value.codes == tuple(codes[1:10])

    @pytest.mark.parametrize(
        "request_id",
        ["", "a b", "<script>", "a" * 65, "id;x", "é", "id status=200", "%0a", "a\tb"],
    )
    @pytest.mark.parametrize("status", [200, 500])
    def test_an_odd_request_id_is_dropped(
        self, network: responses.RequestsMock, client: Client, status: int, request_id: str
    ) -> None:
        answers(network, "[]", status=status, headers={"Cko-Request-Id": request_id})

        with pytest.raises(ProviderError) as caught:
            client.get_authentication(FAV)

        assert caught.value.request_id == ""

    @pytest.mark.parametrize("request_id", ["0HL80RJLS76I7", "a-b_c", "a" * 64])
    def test_an_error_is_one_line(
        self, network: responses.RequestsMock, client: Client, request_id: str
    ) -> None:
        body = {"error_codes": ["a__invalid", "b_required"], "error_type": "hostile\ntext"}
        header = {"Cko-Request-Id": request_id}
        answers(network, json.dumps(body), status=422, headers=header)
        with pytest.raises(Rejected) as caught:
            client.get_authentication(FAV)

        assert str(caught.value) == (
            f"get_authentication failed status=422 request_id={request_id} "
            "codes=a__invalid,b_required"
        )
        network.reset()
        answers(network, "[]", headers=header)
        with pytest.raises(MalformedAnswer) as malformed:
            client.get_authentication(FAV)
        assert malformed.value.request_id == request_id

    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ({"Retry-After": "120"}, 120),
            ({"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}, 0),
            ({"Retry-After": "soon"}, None),
            ({}, None),
        ],
    )
    def test_the_error_has_the_seconds_to_wait(
        self,
        network: responses.RequestsMock,
        client: Client,
        status: int,
        header: dict[str, str],
        seconds: float | None,
    ) -> None:
        answers(network, "", status=status, headers=header)

        with pytest.raises(Unavailable) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.retry_after == seconds
