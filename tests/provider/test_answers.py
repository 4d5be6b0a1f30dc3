"""Answers that a faithful provider would never give, and its errors."""

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
from django_faceauth.provider.resources import ResponseCode
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
    "permanent redirect": {
        "body": "",
        "status": 308,
        "headers": {"Location": "https://evil.com"},
    },
}


@pytest.mark.parametrize("operation", ["create_attempt", "list_attempts"])
@pytest.mark.parametrize("no_answer", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_json_object_is_malformed(
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
def test_json_by_any_of_its_names_is_read(
    network: responses.RequestsMock, client: Client, content_type: str
) -> None:
    for operation, call in CALLS.items():
        answers(network, json.dumps(ANSWERS[operation]), content_type=content_type)
        assert call(client)
        network.reset()


def test_any_success_is_a_success(network: responses.RequestsMock, client: Client) -> None:
    answers(network, json.dumps(AUTHENTICATION), status=202)

    assert client.get_authentication(FAV).id == FAV


@pytest.mark.parametrize(
    "wrong",
    [OTHER_FAV, FATP, "", None, 7, ["fav_a"], {"fav_a": 1}, "fav_", "fav_a/../b", f"{FAV}\n"],
    ids=repr,
)
@pytest.mark.parametrize("operation", ["get_authentication", "anonymize_authentication"])
def test_an_authentication_other_than_the_one_asked_for_is_malformed(
    network: responses.RequestsMock, client: Client, operation: str, wrong: object
) -> None:
    answers(network, json.dumps(AUTHENTICATION | {"id": wrong}))

    with pytest.raises(MalformedAnswer):
        CALLS[operation](client)


@pytest.mark.parametrize("wrong", ["fatp_" + "z" * 26, FAV, "", None, 7])
def test_an_attempt_other_than_the_one_asked_for_is_malformed(
    network: responses.RequestsMock, client: Client, wrong: object
) -> None:
    answers(network, json.dumps(ATTEMPT | {"id": wrong}))

    with pytest.raises(MalformedAnswer):
        client.get_attempt(FAV, FATP)


@pytest.mark.parametrize("operation", [name for name in CALLS if not name.startswith("list_")])
def test_an_answer_without_an_id_is_malformed(
    network: responses.RequestsMock, client: Client, operation: str
) -> None:
    answers(network, '{"status": "approved"}')

    with pytest.raises(MalformedAnswer):
        CALLS[operation](client)


@pytest.mark.parametrize("entry", [None, 1, "fatp_a", [], {}, {"id": FAV}], ids=repr)
def test_a_page_with_an_entry_that_is_no_attempt_is_malformed(
    network: responses.RequestsMock, client: Client, entry: object
) -> None:
    answers(network, json.dumps({"data": [ATTEMPT, entry]}))

    with pytest.raises(MalformedAnswer):
        client.list_attempts(FAV)


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


def test_codes_may_be_text(network: responses.RequestsMock, client: Client) -> None:
    """The provider's own example once has one."""
    answers(network, json.dumps(AUTHENTICATION | {"response_codes": [{"code": "62321"}]}))

    assert client.get_authentication(FAV).response_codes == (ResponseCode(62321),)


class TestErrors:
    """The tree of errors."""

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
    def test_odd_bodies_change_nothing_but_the_codes(
        self, network: responses.RequestsMock, client: Client, status: int, body: str
    ) -> None:
        answers(network, body, status=status)

        with pytest.raises(self.KINDS.get(status, Unavailable)) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.codes == ()
        assert str(caught.value) == f"anonymize_authentication failed status={status}"

    def test_good_codes_are_kept_among_bad_ones_and_not_more_than_ten(
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
    def test_the_request_id_of_a_malformed_answer_is_kept(
        self, network: responses.RequestsMock, client: Client, request_id: str
    ) -> None:
        answers(network, "[]", headers={"Cko-Request-Id": request_id})

        with pytest.raises(MalformedAnswer) as caught:
            client.get_authentication(FAV)

        assert caught.value.request_id == request_id

    def test_an_error_tells_itself_on_one_line(
        self, network: responses.RequestsMock, client: Client
    ) -> None:
        body = {"error_codes": ["a__invalid", "b_required"], "error_type": "hostile\ntext"}
        answers(network, json.dumps(body), status=422, headers={"Cko-Request-Id": "0HL80"})

        with pytest.raises(Rejected) as caught:
            client.get_authentication(FAV)

        assert str(caught.value) == (
            "get_authentication failed status=422 request_id=0HL80 codes=a__invalid,b_required"
        )

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_how_long_to_wait_is_told_in_seconds(
        self, network: responses.RequestsMock, client: Client, status: int
    ) -> None:
        answers(network, "", status=status, headers={"Retry-After": "120"})

        with pytest.raises(Unavailable) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.retry_after == 120

    @pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}])
    def test_how_long_to_wait_may_be_unknown(
        self, network: responses.RequestsMock, client: Client, header: dict[str, str]
    ) -> None:
        answers(network, "", status=503, headers=header)

        with pytest.raises(Unavailable) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.retry_after is None

    def test_a_moment_that_has_passed_is_no_wait(
        self, network: responses.RequestsMock, client: Client
    ) -> None:
        past = {"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}
        answers(network, "", status=503, headers=past)

        with pytest.raises(Unavailable) as caught:
            client.anonymize_authentication(FAV)

        assert caught.value.retry_after == 0
