"""The pages of the documentation, as tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: Every page that people read, but what Sphinx has built.
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    ROOT / "benchmarks" / "README.md",
    *(page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts),
]

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[^\n`]*)$")
#: The first word of a term in backticks: `seconds()` is `seconds`, `GET a/b` is itself.
TERM = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A block of code: where it begins, in what language, and its lines."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Return the fenced blocks of a page; one that is not closed ends with the page."""
    lines = enumerate(page.read_text().splitlines(), start=1)
    for number, line in lines:
        opened = FENCE.match(line)
        if opened is None:
            continue
        inside = []
        for _number, text in lines:
            if text.strip() == opened["fence"]:
                break
            inside.append(text.removeprefix(opened["indent"]))
        text = "".join(f"{text}\n" for text in inside)
        yield Block(page, number, opened["language"].strip(), text)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^( *)(```|~~~).*?^\1\2$", "", page.read_text(), flags=re.M | re.S)


def section(page: str, heading: str) -> str:
    """Return what stands below a heading of the reference, up to the next of its rank or above."""
    text = (DOCS / "reference" / page).read_text()
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.M)
    assert found, f"{page} has no heading {heading}"
    rest = text[found.end() :]
    return re.split(rf"^#{{1,{len(found[1])}}} ", rest, maxsplit=1, flags=re.M)[0]


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a text: of each the rows below its head, as cells."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\|\n?)+", text, re.M):
        _head, _line, *rows = block.splitlines()
        found.append([[cell.strip() for cell in row.strip("|").split("|")] for row in rows])
    return found


def terms(cell: str) -> list[str]:
    """Return what a cell has in backticks, in its order."""
    return TERM.findall(cell)


def named(text: str, table: int = 0, column: int = 0) -> list[str]:
    """Return what one column of a table names in backticks, row by row."""
    return [term for row in tables(text)[table] for term in terms(row[column])]
