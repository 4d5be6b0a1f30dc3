"""The API keeps what its schema promises, whatever is sent to it.

A few hundred requests, or with `--hypothesis-profile=fuzz` thousands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction

from tests.api.seeded import has_history, may_anonymize, one_in_each_state
from tests.api.test_openapi import COMMITTED, committed, operations
from tests.api_client import Program
from tests.user_driver import Person

#: Other names match no URL of ours, and have the 404 page of the site.
SLUG = re.compile("[-a-zA-Z0-9_]+")

ALLOWED = "https://app.example/done"


@dataclass
class Client:
    """The credentials of a client, and the ids that exist for it."""

    headers: dict[str, str]
    cookies: dict[str, str]
    handles: list[str]
    authentications: list[str]
    attempts: list[str]

    def names_for(self, part: str, path: str) -> list[str]:
        """Return what exists for a part of a path."""
        if part == "handle":
            return self.handles
        is_attempt = part == "provider_id" and "/attempts/" in path
        return self.attempts if is_attempt else self.authentications


def with_token_of_staff(person: Person) -> Program:
    may_anonymize(person)
    return Program.with_token(person)


@contextmanager
def keeping_the_connection() -> Iterator[None]:
    """Have no connection closed between requests, as Django's own test client has."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(params=[Program.with_session, with_token_of_staff])
def client(request, person, settings):
    """A client with a history, without throttling."""
    rates = {"faceauth": None, "faceauth-attempts": None}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    settings.FACEAUTH_REDIRECT_ALLOWLIST = [ALLOWED]
    settings.FACEAUTH_RATE_LIMITS = {
        "unsuccessful": ["1000/d"],
        "unsuccessful_session": ["1000/d"],
    }
    kind: Callable[[Person], Program] = request.param
    client = _with_everything(kind(person), person)
    with keeping_the_connection():
        yield client


def _with_everything(program: Program, person: Person) -> Client:
    has_history(person)
    *ended, still_open = one_in_each_state(program)
    rows = list(person.user.face_authentications.all())
    in_session = not program.headers
    # A secret of one's own choice is as good as any, where the cookie and the header agree.
    secret = {"X-CSRFToken": "a" * 32} if in_session else {}
    cookies = {name: cookie.value for name, cookie in person.browser.cookies.items()}
    return Client(
        headers={**program.headers, **secret},
        cookies=cookies | {"csrftoken": "a" * 32} if in_session else {},
        handles=[*ended, *[still_open] * len(ended)],
        authentications=[row.provider_id for row in rows],
        attempts=[attempt.provider_id for row in rows for attempt in row.attempts.all()],
    )


def _one_of(names: list[str], made_up: Any) -> Any:
    """Return what was made up, or as often one of the names: which, it decides."""
    number = crc32(str(made_up).encode("utf-8", "surrogatepass"))
    return names[number // 2 % len(names)] if number % 2 else made_up


@pytest.fixture(scope="module")
def schema():
    """The schema, with the site behind it."""
    import schemathesis  # takes two seconds, which only these tests need to wait for

    schema = schemathesis.openapi.from_path(COMMITTED)
    schema.app = WSGIHandler()
    return schema


def test_every_response_is_one_of_the_schema(client, schema):
    """With names that exist as often as with made-up ones."""
    for method, path, _operation in operations(committed()):
        with transaction.atomic():
            _sends(client, schema[path][method])
            transaction.set_rollback(True)


def _sends(client: Client, operation: Any) -> None:
    """Send what Hypothesis makes up for an operation."""
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    always = [not_a_server_error, checks.status_code_conformance]
    of_ours = [
        *always,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]

    @settings(
        max_examples=max(10, settings().max_examples // 10),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(case=operation.as_strategy())
    def sends(case: Any) -> None:
        for part, made_up in case.path_parameters.items():
            case.path_parameters[part] = _one_of(client.names_for(part, case.path), made_up)
        if "Face-Challenge" in case.headers:
            case.headers["Face-Challenge"] = _one_of(client.handles, case.headers["Face-Challenge"])
        if isinstance(case.body, dict) and "redirect_url" in case.body:
            case.body["redirect_url"] = _one_of([ALLOWED], case.body["redirect_url"])

        is_ours = all(SLUG.fullmatch(str(part)) for part in case.path_parameters.values())
        case.call_and_validate(
            headers=client.headers,
            cookies=client.cookies,
            checks=of_ours if is_ours else always,
        )

    sends()


def test_the_requests_come_through(client, schema):
    operation = schema["/face/api/challenges/{handle}/"]["GET"]
    case = operation.Case(path_parameters={"handle": client.handles[-1]})

    answer = case.call(headers=client.headers, cookies=client.cookies)

    assert answer.status_code == 200
