"""The bank, open for visitors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import running_bank


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a bank whose simulator compares faces in no time."""
    with running_bank(tmp_path_factory.mktemp("bank"), FACEAUTH_SIMULATOR_CHECK_SECONDS="0") as url:
        yield url
