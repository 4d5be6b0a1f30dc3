"""Programs that speak for people."""

from __future__ import annotations

import pytest

from tests.api_client import KINDS, Program
from tests.user_driver import Person


@pytest.fixture(params=sorted(KINDS))
def program(request: pytest.FixtureRequest, person: Person) -> Program:
    """A program of an enrolled user, with each kind of credential in turn."""
    return KINDS[request.param](person)
