"""What the tests of the admin start from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_faceauth.models import FaceAuthentication
from tests.admin.staff import Staff
from tests.user_driver import Person, scripted


@pytest.fixture
def staff(db: None) -> Callable[..., Staff]:
    """A maker of staff."""
    return Staff


@pytest.fixture
def approved(person: Person) -> FaceAuthentication:
    """An authentication that was approved."""
    person.passes()
    return person.authentication


@pytest.fixture
def declined(people: Callable[..., Person]) -> FaceAuthentication:
    """A decline with a fraud code."""
    fraudster = people(scripted("62321"))
    fraudster.passes()
    return fraudster.authentication
