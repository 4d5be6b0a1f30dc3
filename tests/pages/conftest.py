"""Users whom the pages and the mails are for."""

from __future__ import annotations

import pytest


@pytest.fixture
def alice(people):
    """A user with an address."""
    return people(email="alice@example.com")
