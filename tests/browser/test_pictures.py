"""The pictures of the documentation are those that `make pictures` takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.pictures import IMAGES, take_all
from tests.docs_parser import DOCS, ROOT

PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+\.png)\)")
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.fixture(scope="module")
def taken(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of new pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    take_all(folder, browser)
    return folder


def shown() -> set[str]:
    """Return the names of the pictures that pages show."""
    found = set()
    for page in PAGES:
        for words, target in PICTURE.findall(page.read_text()):
            assert words, (page, target)
            assert (page.parent / target).resolve().parent == IMAGES, (page, target)
            found.add(Path(target).name)
    return found


def test_every_picture_is_taken_kept_and_shown(taken):
    """In all directions: none is missing, none is left over."""
    kept = {file.name for file in IMAGES.iterdir()}

    assert {file.name for file in taken.iterdir()} == kept == shown()


def test_pictures_show_something(taken):
    """And are small files."""
    for file in taken.iterdir():
        with Image.open(file) as picture:
            assert len(picture.getcolors()) > 16, file
        assert file.stat().st_size < 60_000, file
