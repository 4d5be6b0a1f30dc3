"""The documentation says what the code does, in both directions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.dispatch import Signal

import django_faceauth
from django_faceauth import checks, signals
from django_faceauth.conf import KNOWN
from django_faceauth.gate import Reason

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SOURCES = sorted(Path(django_faceauth.__file__).parent.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
REQUIREMENT = re.compile(r"\b(?:[A-Z]|TH|T)-\d{1,2}(?:\.\d{1,2})?\b")


def headings(page: str) -> list[str]:
    return re.findall(r"^### `([^`]+)`$", (DOCS / page).read_text(), re.M)


def test_every_setting_has_its_heading():
    assert sorted(headings("reference/settings.md")) == sorted(f"FACEAUTH_{n}" for n in KNOWN)


def test_every_check_has_its_heading():
    sources = "".join(path.read_text() for path in Path(checks.__file__).parent.glob("*.py"))
    raised = set(re.findall(r'id="(faceauth\.\w+)"', sources))

    named = {name for name in headings("reference/checks.md") if name.startswith("faceauth.")}
    assert named == raised


def test_every_signal_has_its_heading():
    assert sorted(headings("reference/signals.md")) == sorted(
        name for name, value in vars(signals).items() if isinstance(value, Signal)
    )


def test_every_reason_has_its_row():
    """In the order of the code."""
    table = (DOCS / "reference/gate.md").read_text().partition("## `Reason`")[2]

    assert re.findall(r"^\| `(\w+)` \|", table.partition("\n## ")[0], re.M) == list(Reason)


def test_every_requirement_that_is_cited_is_explained():
    """Ids in comments and tests lead to the page that says what they mean."""
    explained = set(REQUIREMENT.findall((DOCS / "explanation/security.md").read_text()))
    cited = {
        requirement
        for path in [*SOURCES, *TESTS]
        for requirement in REQUIREMENT.findall(path.read_text())
    }

    assert cited - explained == set()


def test_every_requirement_that_we_claim_has_a_test():
    """The page lists nothing that no test names."""
    text = (DOCS / "explanation/security.md").read_text().partition("## Not yet")[0]
    claimed = set(re.findall(r"^\| ([A-Z]+-\d[\d.]*) \|", text, re.M))
    tested = {
        requirement for path in TESTS for requirement in REQUIREMENT.findall(path.read_text())
    }

    assert claimed - tested == set()


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.name
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_blocks_that_sites_may_override_are_there():
    """Each template of the reference has the blocks that it names."""
    templates = Path(django_faceauth.__file__).parent / "templates" / "faceauth"
    rows = re.findall(
        r"^\| (`\w+\.html`.*?) \| (.*) \|$", (DOCS / "reference/gate.md").read_text(), re.M
    )

    named = [
        (name, block)
        for names, blocks in rows
        for name in re.findall(r"`(\w+\.html)`", names)
        for block in re.findall(r"`(\w+)`", blocks)
    ]

    assert named
    for name, block in named:
        assert f"{{% block {block} %}}" in (templates / name).read_text(), (name, block)
