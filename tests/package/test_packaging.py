"""What is in the box, and what is written on it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import django_faceauth
from tests.docs_parser import DOCS
from tests.package.conftest import ROOT, built

PACKAGE = Path(django_faceauth.__file__).parent
NEEDED = [
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
]


def in_wheel(distributions: Path) -> zipfile.ZipFile:
    (wheel,) = distributions.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def metadata(distributions) -> Message:
    """What an index and pip read."""
    wheel = in_wheel(distributions)
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(wheel.read(name))


def test_the_wheel(distributions):
    """Everything that runs, the licence, and nothing else."""
    wheel = in_wheel(distributions)
    names = wheel.namelist()
    (path,) = (name for name in names if name.endswith("/entry_points.txt"))
    given = wheel.read(path).decode()

    assert not [name for name in NEEDED if f"django_faceauth/{name}" not in names]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"django_faceauth"}
    assert not [name for name in names if "__pycache__" in name or ".sqlite3" in name]
    assert given.split() == ["[pytest11]", "faceauth", "=", "django_faceauth.pytest_plugin"]


def test_the_source_distribution(distributions):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"} <= names
    pages = {path for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    included = {
        (page.parent / name).resolve()
        for page in pages
        for name in re.findall(r"^```\{include\} (\S+)", page.read_text(), re.M)
    }
    assert included
    assert {path.relative_to(ROOT).as_posix() for path in pages | included} <= names
    assert "docs/conf.py" in names
    assert not [name for name in NEEDED if f"django_faceauth/{name}" not in names]
    names -= {"benchmarks", "benchmarks/README.md"}  # a page of the docs
    others = ("tests", "example_project", "benchmarks", ".ci", ".venv", "docs/_build")
    assert not [name for name in names if name.startswith(others)]


def test_an_index_would_accept_them(distributions):
    """The README is shown as it is meant."""
    files = sorted(distributions.iterdir())
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)


def test_the_version_is_written_in_one_place(distributions, metadata):
    version = django_faceauth.__version__
    text = (ROOT / "pyproject.toml").read_text()

    assert metadata["Version"] == version
    assert {path.name for path in distributions.iterdir()} == {
        f"django_faceauth-{version}-py3-none-any.whl",
        f"django_faceauth-{version}.tar.gz",
    }
    assert f'"{version}"' not in text


def test_a_classifier_is_there_for_each_version_that_tox_runs(metadata):
    """And for no other (Q-04)."""
    classifiers = metadata.get_all("Classifier")
    tox = (ROOT / "tox.ini").read_text()

    djangos = {one.rpartition(" ")[2] for one in classifiers if "Django :: " in one}
    pythons = {one.rpartition(" ")[2] for one in classifiers if "Python :: 3." in one}
    assert djangos == {name for name in ("5.2", "6.0", "6.1") if f"django-{name}.txt" in tox}
    assert pythons == {"3.11", "3.12", "3.13"}


def test_two_builds_are_the_same_to_the_byte(distributions, tmp_path):
    """Also of a tree in another place that was checked out at another time (Q-03)."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.sqlite3*", "_build", "tests")
    elsewhere = shutil.copytree(ROOT, tmp_path / "tree", ignore=ignored, copy_function=shutil.copy)
    shutil.copy(ROOT / ".gitignore", elsewhere)

    again = built(tmp_path / "dist", elsewhere)

    assert sorted(path.name for path in again.iterdir()) == sorted(
        path.name for path in distributions.iterdir()
    )
    for path in distributions.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name
