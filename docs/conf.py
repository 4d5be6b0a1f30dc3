"""Configuration of Sphinx for `make docs`, which needs no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pygments.lexers.special import TextLexer
from pygments.lexers.templates import HtmlDjangoLexer

from django_faceauth import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT: Final = Path(__file__).parent.parent

project = "django-faceauth"
author = "The django-faceauth contributors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True

# Headings have the anchors that repository pages give them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False

#: Pages of the repository that the documentation includes, and their names here.
INCLUDED: Final[Mapping[str, str]] = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "benchmarks/README.md": "benchmarks.md",
}
LINK: Final = re.compile(r"\[(?P<text>[^\]]+)\]\((?!https?:|#)(?P<path>[^)#]+)(?P<anchor>[^)]*)\)")


def relocate(_app: Sphinx, path: Path, _page: str, content: list[str]) -> None:
    """Rewrite the links of an included page for its place in the documentation."""
    folder = (ROOT / "docs" / path).resolve().parent
    content[0] = LINK.sub(partial(_moved, folder), content[0])


def _moved(folder: Path, link: re.Match[str]) -> str:
    target = (folder / link["path"]).resolve()
    if target.is_dir():  # which the site has no page for
        return link["text"]
    inside = target.relative_to(ROOT).as_posix()
    place = INCLUDED.get(inside, inside.removeprefix("docs/"))
    return f"[{link['text']}]({place}{link['anchor']})"


def setup(app: Sphinx) -> None:
    """Rewrite the links of included pages, and add lexers for code blocks."""
    app.connect("include-read", relocate)
    app.add_lexer("html", HtmlDjangoLexer)
    app.add_lexer("csv", TextLexer)
