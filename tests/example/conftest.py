"""The bank, open for visitors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import running_bank


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bank's database, for `manage()`."""
    return tmp_path_factory.mktemp("bank")


@pytest.fixture(scope="module")
def bank(vault: Path) -> Iterator[str]:
    """The address of a bank whose simulator compares faces in no time."""
    with running_bank(vault, FACEAUTH_SIMULATOR_CHECK_SECONDS="0") as url:
        yield url
