"""What of the documentation is in the box."""

from __future__ import annotations

import re
import tarfile

import pytest

from tests.docs_parser import DOCS, ROOT


@pytest.fixture
def shipped(distributions) -> set[str]:
    """The names of the files in the source distribution."""
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_every_page_is_there_and_what_pages_include(shipped):
    pages = {path for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    included = {
        (page.parent / name).resolve()
        for page in pages
        for name in re.findall(r"^```\{include\} (\S+)", page.read_text(), re.M)
    }

    assert included
    needed = {path.relative_to(ROOT).as_posix() for path in pages | included}
    assert needed - shipped == set()
    assert "docs/conf.py" in shipped
