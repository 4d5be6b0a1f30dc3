"""Programs that speak for people."""

from __future__ import annotations

import pytest

from tests.api_client import KINDS


@pytest.fixture(params=sorted(KINDS))
def program(request, person):
    """A program of an enrolled user, with each kind of credential in turn."""
    return KINDS[request.param](person)
