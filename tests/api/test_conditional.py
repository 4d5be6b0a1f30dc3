"""Asking again costs little: what has not changed is not sent again."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.api.seeded import API, PROGRAMS


@pytest.fixture(params=PROGRAMS)
def waiting(request, person):
    """A program whose user is showing their face, and where it asks."""
    cache.clear()
    program = request.param(person)
    address = f"{API}challenges/{program.is_asked()}/"
    assert program.calls("post", f"{address}attempts/").status_code == 201
    return program, address


def test_who_has_seen_it_is_told_so_and_when_to_ask_again(waiting):
    program, address = waiting
    seen = program.calls("get", address)

    again = program.calls("get", address, headers={"If-None-Match": seen["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == seen["ETag"]
    assert again["Retry-After"] == seen["Retry-After"] == "2"


def test_who_wants_another_state_is_told_that_it_has_changed(waiting):
    program, address = waiting

    answer = program.calls("get", address, headers={"If-Match": '"another"'})

    assert answer.status_code == 412
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "precondition_failed"
