"""What is in the box."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

import django_faceauth

pytestmark = pytest.mark.newcomer

PACKAGE = Path(django_faceauth.__file__).parent
NEEDED = [
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
]


def test_the_wheel(distributions):
    """Everything that runs, the licence, and nothing else."""
    (wheel,) = distributions.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    assert f"django_faceauth-{django_faceauth.__version__}-" in wheel.name
    assert not [name for name in NEEDED if f"django_faceauth/{name}" not in names]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"django_faceauth"}


def test_the_wheel_brings_the_pytest_plugin(distributions):
    """By the entry point that pytest looks for."""
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        given = archive.read(path).decode()

    assert given.split() == ["[pytest11]", "faceauth", "=", "django_faceauth.pytest_plugin"]


def test_the_source_distribution(distributions):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"} <= names
    assert "docs/tutorial.md" in names
    assert not [name for name in NEEDED if f"django_faceauth/{name}" not in names]
    assert not [
        name for name in names if name.startswith(("tests", "example_project", ".ci", ".venv"))
    ]
