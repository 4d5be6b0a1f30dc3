"""Fixtures for pytest.

pytest imports this in every project, before Django's settings are read. So the kit itself,
`django_faceauth.testing`, is imported when a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation


@pytest.fixture
def faceauth() -> ModuleType:
    """The testing kit: `faceauth.face_shown(client, action="payout")` and so on."""
    from django_faceauth import testing  # needs the settings

    return testing


@pytest.fixture
def faceauth_simulator() -> Iterator[Simulation]:
    """The simulator in the provider's place: `faceauth_simulator.show_face(client, "/payout/")`."""
    from django_faceauth.testing import simulated  # needs the settings

    with simulated() as simulation:
        yield simulation
