"""The fixtures that pytest finds in every project that this package is installed in.

pytest imports this before a site's settings are read, also where there is no site. So nothing
else is imported here, nothing happens before a test asks for a fixture, and the kit itself is
in `django_faceauth.testing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation

KIT: Final = "django_faceauth.testing"


@pytest.fixture
def faceauth() -> ModuleType:
    """The kit: `faceauth.face_shown(client, action="payout")`, and all its other functions."""
    return import_module(KIT)


@pytest.fixture
def faceauth_simulator() -> Iterator[Simulation]:
    """The simulator in the provider's place: `faceauth_simulator.show_face(client, "/payout/")`."""
    with import_module(KIT).simulated() as simulation:
        yield simulation
