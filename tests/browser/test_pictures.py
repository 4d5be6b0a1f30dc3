"""The pictures of the documentation are those that `make pictures` takes."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from tests.browser.pictures import IMAGES, take_all
from tests.docs_parser import DOCS, ROOT

PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+\.png)\)")
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def shown() -> set[str]:
    """Return the names of the pictures that pages show."""
    found = set()
    for page in PAGES:
        for words, target in PICTURE.findall(page.read_text()):
            assert words, (page, target)
            assert (page.parent / target).resolve().parent == IMAGES, (page, target)
            found.add(Path(target).name)
    return found


def test_every_picture_is_taken_kept_and_shown(browser, office, meadow, tmp_path):
    """None is missing, none is left over; each shows something, and is a small file."""
    take_all(tmp_path, browser, office, meadow)

    kept = {file.name for file in IMAGES.iterdir()}
    assert {file.name for file in tmp_path.iterdir()} == kept == shown()
    for file in tmp_path.iterdir():
        with Image.open(file) as picture:
            assert len(picture.getcolors()) > 16, file
        assert file.stat().st_size < 60_000, file
