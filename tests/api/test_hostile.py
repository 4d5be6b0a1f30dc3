"""Hostile requests: each is answered by a plain problem document."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from urllib.parse import quote
from zlib import compress

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings

from django_faceauth.models import FaceChallenge
from tests.api.seeded import API, BEHIND_A_GATE, PROGRAMS, has_history, one_in_each_state
from tests.api_client import Program

pytestmark = pytest.mark.database

PROBLEM = "application/problem+json"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def unhurried(settings):
    """Turn throttling off."""
    rates = {"faceauth": None, "faceauth-attempts": None}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}


@pytest.fixture(params=PROGRAMS)
def program(request, person):
    kind: Callable[..., Program] = request.param
    return kind(person)


@pytest.fixture
def attempts(program):
    """Where this program may start an attempt."""
    return f"{API}challenges/{program.is_asked()['challenge']}/attempts/"


def endpoints(program: Program) -> list[str]:
    """Return the address of every endpoint, with ids that there are."""
    has_history(program.person)
    authentication = program.person.authentication
    handle = program.is_asked()["challenge"]
    of_it = f"{API}authentications/{authentication.provider_id}/"
    return [
        f"{API}challenges/{handle}/",
        f"{API}challenges/{handle}/attempts/",
        f"{API}authentications/",
        of_it,
        f"{of_it}attempts/",
        f"{of_it}attempts/{authentication.attempts.get().provider_id}/",
        f"{of_it}anonymize/",
        f"{API}consent/",
        f"{API}freshness/",
    ]


def is_plain(answer: HttpResponse) -> bool:
    """Tell whether an answer is a success, or a problem that breaks out of nothing."""
    assert answer.status_code < 500, answer.content
    assert not 300 <= answer.status_code < 400 or answer.status_code == 304, answer["Location"]
    assert not any("\n" in value or "\r" in value for value in answer.headers.values())
    if answer.status_code < 400:
        return True
    problem = json.loads(answer.content)
    assert problem["status"] == answer.status_code
    assert problem["type"] == "about:blank"
    return bool(answer["Content-Type"] == PROBLEM and problem["title"] and problem["code"])


# -- methods

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"]


def test_methods_that_an_endpoint_does_not_have(program):
    for path, method in product(endpoints(program), [*METHODS, "BREW", "get", MARKUP]):
        answer = program.calls(method, path)

        assert method == "HEAD" or is_plain(answer), (method, path, answer.content)
        assert answer.status_code in {200, 201, 204, 401, 404, 405, 409}, (method, path)
        if answer.status_code == 405:
            allowed = {"GET, HEAD, OPTIONS", "POST, OPTIONS", "GET, DELETE, HEAD, OPTIONS"}
            assert answer["Allow"] in allowed, (method, path)


def test_anonymous_clients_get_nothing_by_any_method(person):
    for path, method in product(endpoints(Program.with_session(person)), METHODS):
        answer = Client().generic(method, path)

        assert answer.status_code in {401, 403}, (method, path)
        assert "no-store" in answer["Cache-Control"], (method, path)
        assert method == "HEAD" or is_plain(answer), (method, path)


# -- addresses

NAMES = [
    "%00",
    "%0d%0aSet-Cookie:%20a=b",
    "../../admin/",
    "%2e%2e%2f%2e%2e%2fadmin",
    "a/b",
    "é",
    quote("‮"),
    quote("🙂" * 100),
    "%ff%fe",
    "' OR 1=1 --",
    quote(MARKUP),
    "x" * 10_000,
    "0",
]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "challenges/{}/"),
        ("post", "challenges/{}/attempts/"),
        ("get", "authentications/{}/"),
        ("get", "authentications/{}/attempts/"),
        ("get", "authentications/fav_x/attempts/{}/"),
        ("post", "authentications/{}/anonymize/"),
    ],
)
def test_names_that_nothing_has(person, method, path):
    """404: ours, or that of Django if no URL matches."""
    program = Program.with_session(person)
    program.is_asked()

    for name in NAMES:
        answer = program.calls(method, API + path.format(name))
        assert answer.status_code == 404, name
        assert MARKUP.encode() not in answer.content, name
        assert answer["Content-Type"] == PROBLEM or b"<h1>Not Found</h1>" in answer.content, name


def test_a_handle_of_any_state_is_answered_for_its_own_program_alone(program, people):
    other = Program.with_token(people())
    for handle in one_in_each_state(program):
        path = f"{API}challenges/{handle}/"
        assert program.calls("get", path).status_code == 200
        assert is_plain(program.calls("post", f"{path}attempts/"))
        for wrong in (path.swapcase(), f"{path}%20", path[:-2] + "/", f"/{path}"):
            assert program.calls("get", wrong).status_code in {404, 301}, wrong
        assert other.calls("get", path).status_code == 404


# -- bodies

DEEP = 200_000
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"[" * DEEP,
    b'{"redirect_url":' * DEEP,
    b"9" * 10_000,
    b'{"redirect_url": null}',
    b'{"redirect_url": 1e999}',
    b'{"redirect_url": "\\u0000"}',
    b'{"redirect_url": "\\ud800"}',
    b'{"redirect_url": "https://evil.example/"}',
    b'{"redirect_url": "javascript:alert(1)"}',
    b'{"redirect_url": "https://bank.example/\\r\\nSet-Cookie: a=b"}',
    b'{"redirect_url": "https://app.example/done", "redirect_url": "https://evil.example/"}',
    b'{"redirect_url": "' + b"x" * 10_000 + b'"}',
    json.dumps({"redirect_url": MARKUP}).encode(),
    b"redirect_url=https://evil.example/",
    b"redirect_url=%00&redirect_url=%ff",
    b"a=1&" * 2_000,
    b"x" * 3_000_000,
    compress(b" " * 1_000_000),
]
TYPES = [
    "application/json",
    "application/json; charset=zip",
    "application/json; charset=utf-16",
    "application/json; charset=idna",
    "application/json; charset=unicode_escape",
    "application/json; charset=no-such",
    "application/json; charset=\xff",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=zip",
    "application/x-www-form-urlencoded; charset=utf-7",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/xml",
    "text/html" + MARKUP,
    "application/*",
    "nonsense",
    "",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_a_body_that_makes_no_sense(program, attempts, content_type, settings):
    settings.FACEAUTH_REDIRECT_ALLOWLIST = ["https://app.example/done"]

    for body in BODIES:
        answer = program.calls("post", attempts, data=body, content_type=content_type)

        assert is_plain(answer), (body[:40], answer.content)
        assert answer.status_code in {201, 400, 409, 415, 429}, (body[:40], answer.status_code)

    assert set(FaceChallenge.objects.values_list("return_url", flat=True)) <= {"", "/face/done/"}


def test_with_the_check_of_forms_in_force(person):
    """The session of a browser is of no use to another site, and no address is spoilt by it."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person.user)
    handle = strict.get(BEHIND_A_GATE).json()["challenge"]
    path = f"{API}challenges/{handle}/attempts/"

    for content_type in TYPES:
        for body in (b"", b"{}", b"a=1&" * 2_000, b"x" * 3_000_000, b"\xff"):
            answer = strict.generic("POST", path, data=body, content_type=content_type)
            assert answer.status_code in {400, 403}, (content_type, body[:40])
            assert is_plain(answer), (content_type, body[:40])


# -- headers


@pytest.mark.parametrize(
    "handle",
    [
        "\x00",
        "a\x00b",
        "a\r\nSet-Cookie: a=b",
        "é",
        "\xff",
        MARKUP,
        "x" * 10_000,
        " ",
        "../",
        "a,b",
    ],
)
@pytest.mark.parametrize("path", ["/shop/secret/", "/shop/function/", "/shop/staff-or-face/"])
def test_a_made_up_challenge(program, path, handle):
    answer = program.calls("get", path, headers={"Face-Challenge": handle})

    assert answer.status_code == 401
    assert is_plain(answer)
    assert answer.json()["challenge"] != handle
    assert "Set-Cookie: a=b" not in str(answer.headers)
    assert MARKUP.encode() not in answer.content


QUERIES = [
    "status=%00",
    "status=" + "x" * 10_000,
    "status=%ff",
    "status=a&status=b",
    "page=0",
    "page=1e9",
    "page=" + "9" * 5_000,
    "page=%00",
    "page_size=0",
    "page_size=" + "9" * 5_000,
    "format=xml",
    "action=%00",
    "action=" + "x" * 101,
    "action=" + quote(MARKUP),
    "&" * 5_000,
]
HEADERS = [
    {"Accept": "text/html"},
    {"Accept": "\xff;q=z"},
    {"Accept": MARKUP},
    {"Accept-Language": "\xff," * 1_000},
    {"If-None-Match": "\xff"},
    {"If-None-Match": '"' * 1_000},
    {"If-Match": '"other"'},
    {"If-Modified-Since": "yesterday"},
    {"Range": "bytes=0-0,5-"},
    {"Referer": "https://evil.example/"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Forwarded-Host": "evil.example"},
    {"Content-Length": "-1"},
    {"Content-Length": "many"},
]


def test_queries_and_headers_that_make_no_sense(program):
    requests = [*((f"?{query}", {}) for query in QUERIES), *(("", headers) for headers in HEADERS)]
    for path, (query, headers) in product(endpoints(program), requests):
        answer = program.calls("get", path + query, headers=headers)

        assert is_plain(answer), (path, query, headers)
        assert b"evil.example" not in answer.content, (path, headers)


# -- too often


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("faceauth", "get", "freshness/"),
        ("faceauth", "get", "authentications/"),
        ("faceauth-attempts", "post", "challenges/{}/attempts/"),
    ],
)
def test_a_throttled_client_is_told_when_to_try_again(program, settings, scope, method, path):
    rates = {"faceauth": "3/min", "faceauth-attempts": "3/min"}
    with override_settings(
        REST_FRAMEWORK=settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    ):
        address = API + path.format(program.is_asked()["challenge"])
        answers = [program.calls(method, address) for _ in range(4)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
    assert is_plain(answers[-1])
    assert answers[-1].json()["code"] == "throttled"
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
