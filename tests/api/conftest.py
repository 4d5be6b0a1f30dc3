"""Programs that speak for people."""

from __future__ import annotations

import pytest

from tests.person import Person
from tests.program import KINDS, Program


@pytest.fixture(params=sorted(KINDS))
def program(request: pytest.FixtureRequest, person: Person) -> Program:
    """A program of an enrolled user, with each kind of credential in turn."""
    return KINDS[request.param](person)
