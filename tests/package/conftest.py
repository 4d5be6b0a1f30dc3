"""What a newcomer would download."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.package.place import CONSTRAINTS, Place, place

ROOT = Path(__file__).parent.parent.parent
#: Any moment will do, as long as it is always the same.
MOMENT = "1700000000"


def built(folder: Path, tree: Path = ROOT) -> Path:
    """Build the wheel and the source distribution of a tree, and return their folder."""
    subprocess.run(
        [
            *(sys.executable, "-m", "build", "--outdir", folder),
            *("--dependency-constraints-txt", CONSTRAINTS, tree),
        ],
        env=os.environ | {"SOURCE_DATE_EPOCH": MOMENT},
        check=True,
    )
    return folder


@pytest.fixture(scope="session")
def distributions(tmp_path_factory) -> Path:
    """A folder with the wheel and the source distribution of this tree."""
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def wheel(distributions) -> Path:
    (wheel,) = distributions.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def alone(tmp_path_factory, wheel) -> Place:
    """The package without an extra."""
    alone = place(tmp_path_factory.mktemp("alone"))
    alone.gets(wheel)
    return alone
