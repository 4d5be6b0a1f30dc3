"""The cache of the site does not answer (F-29)."""

from __future__ import annotations

import pytest
from django.core.cache.backends.base import BaseCache
from django.test import override_settings

from tests.api_client import Program

pytestmark = pytest.mark.django_db


class Away(BaseCache):
    """A cache whose server is down."""

    def __init__(self, _location, params):
        super().__init__(params)

    def get(self, *_args, **_kwargs):
        raise ConnectionError("down")

    add = set = incr = touch = delete = get


@pytest.fixture(autouse=True)
def _down():
    with override_settings(CACHES={"default": {"BACKEND": f"{__name__}.Away"}}):
        yield


@pytest.fixture
def program(person):
    return Program.with_token(person)


def test_reads_and_face_checks_go_on(program):
    """(F-29)."""
    assert program.sends("GET", "/face/api/authentications/").status_code == 200
    asked = program.is_asked()

    assert program.proves(asked)["state"] == "granted"
    answer = program.sends("GET", "/shop/secret/", handle=asked["challenge"])
    assert answer.status_code == 200


def test_limits_on_attempts_hold(program):
    """(F-29): they are in the database."""
    for _ in range(3):
        program.proves(program.is_asked(), "someone_else")

    answer = program.sends("POST", program.is_asked()["attempts_url"])

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
