"""What every test can ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import hypothesis
import pytest
import time_machine
from django.core.cache import cache

from django_faceauth.provider import factory
from tests.person import Person
from tests.provider_double import Provider

#: For `--hypothesis-profile`: a minute of fuzzing, and a night of it.
hypothesis.settings.register_profile("fuzz", max_examples=1_500, deadline=None)
hypothesis.settings.register_profile("long", max_examples=1_000_000, deadline=None)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def provider() -> Iterator[Provider]:
    """The simulator in the provider's place, at the provider's own addresses."""
    adapter = Provider()
    with factory.answered_by(adapter):
        yield adapter


@pytest.fixture(autouse=True)
def _nothing_counted_yet() -> None:
    """Forget the requests of the test before: the throttles of the API count in the cache."""
    cache.clear()


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The time of site and provider; it stands still unless it is moved."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def people(db: None, clock: time_machine.Coordinates) -> Callable[..., Person]:
    """A maker of users."""
    return partial(Person, clock)


@pytest.fixture
def person(people: Callable[..., Person]) -> Person:
    """An enrolled user who decides on the capture page what happens."""
    return people()
