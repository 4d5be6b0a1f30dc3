"""A merchant, a person in front of the camera, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from django_faceauth.simulator.visitor import Visitor
from tests.simulator.merchant import Merchant


@pytest.fixture
def merchant(db: None) -> Merchant:
    return Merchant()


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of some day, until a test shifts it."""
    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller
