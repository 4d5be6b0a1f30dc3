"""The documentation says what the code does, in both directions."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

import django_faceauth
from django_faceauth import checks
from django_faceauth.conf import KNOWN, RETENTION, conf
from django_faceauth.durations import Limit, as_limit
from tests.manual import DOCS, PAGES, ROOT, prose, section, tables, terms
from tests.test_architecture import FLOOR_OF, FLOORS

SOURCES = sorted(Path(django_faceauth.__file__).parent.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
REQUIREMENT = re.compile(r"\b(?:[A-Z]|TH|T)-\d{1,2}(?:\.\d{1,2})?\b")
#: The parts of the site, each with a page that lists its pages.
PARTS = ["how-to", "reference", "explanation"]


def headings(page: str) -> list[str]:
    return re.findall(r"^### `([^`]+)`$", (DOCS / page).read_text(), re.M)


# -- the site


def pages_of(part: str) -> set[str]:
    return {page.name for page in (DOCS / part).glob("*.md")} - {"index.md"}


@pytest.mark.parametrize("part", PARTS)
def test_every_page_is_in_the_index_of_its_part(part):
    """A page that no index lists would be found by nobody."""
    index = (DOCS / part / "index.md").read_text()

    listed = re.findall(r"^- \[[^\]]+\]\(([\w-]+\.md)\)", index, re.M)

    assert sorted(listed) == sorted(pages_of(part))


def test_every_part_and_page_at_the_top_is_in_the_index():
    index = (DOCS / "index.md").read_text()
    at_the_top = {page.stem for page in DOCS.glob("*.md")} - {"index"}

    listed = {
        line
        for tree in re.findall(r"^```\{toctree\}\n(.*?)^```$", index, re.M | re.S)
        for line in tree.splitlines()
        if line and not line.startswith(":")
    }

    assert listed == at_the_top | {f"{part}/index" for part in PARTS}


ANCHOR = re.compile(r"^#+ (.+)$", re.M)


def anchors(page: Path) -> set[str]:
    """Return the anchors that repository pages and Sphinx give to headings."""
    titles = [re.sub(r"\]\([^)]*\)", "", title) for title in ANCHOR.findall(prose(page))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", prose(page)):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_speaks_of_the_machine_that_it_was_written_on(page):
    assert re.findall(r"(?<![\w.-])/(?:home|root|tmp|work|Users)/\S*", page.read_text()) == []


def test_the_layers_are_those_that_the_architecture_holds():
    """From the top down, each with all its rooms; of the words at the bottom, some."""
    (table,) = tables((DOCS / "explanation/architecture.md").read_text())
    heights = [[FLOOR_OF[room] for room in terms(row[1])] for row in table]

    assert all(min(above) > max(below) for above, below in pairwise(heights))
    told = {room for row in table for room in terms(row[1])}
    assert FLOOR_OF.keys() - told <= FLOORS[0]


# -- settings, checks, requirements


def test_every_setting_has_its_heading():
    assert sorted(headings("reference/settings.md")) == sorted(f"FACEAUTH_{n}" for n in KNOWN)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_setting_says_its_type_first(name):
    """And if it has a default, which one."""
    told = section("settings.md", f"`FACEAUTH_{name}`").strip().splitlines()[0]

    assert re.fullmatch(r"\*[^*]+\.?\*", told), told


def test_the_defaults_are_those_of_the_code(settings):
    """As far as they can be compared as text."""
    for name in KNOWN:
        if hasattr(settings, f"FACEAUTH_{name}"):
            delattr(settings, f"FACEAUTH_{name}")
    told = {
        name: default[1]
        for name in KNOWN
        if (
            default := re.search(
                r"default:? (`[^`]+`|\d+)", section("settings.md", f"`FACEAUTH_{name}`")
            )
        )
    }

    wrong = {
        name: (said, getattr(conf, name))
        for name, said in told.items()
        if not _is_same(said.strip("`"), getattr(conf, name))
    }
    assert wrong == {}
    assert len(told) > 20


def _is_same(said: str, value: Any) -> bool:
    literal = ast.literal_eval(said)
    if isinstance(value, timedelta):
        return literal == value.total_seconds()
    if isinstance(value, Limit):
        return as_limit("/".join(map(str, literal))) == value
    if value and isinstance(value, tuple) and isinstance(value[0], Limit):
        return tuple(map(as_limit, literal)) == value
    return literal == value or (not literal and not value) or tuple(literal) == value


def test_every_period_has_its_row():
    """With its default; the page about privacy names all of them too."""
    (table,) = tables(section("settings.md", "`FACEAUTH_RETENTION`"))
    privacy = (DOCS / "explanation/privacy.md").read_text()

    told = {terms(row[0])[0]: terms(row[2])[0] for row in table}

    defaults = {name: f'"{text}"' if text else "None" for name, text in RETENTION.items()}
    assert told == defaults
    assert [name for name in RETENTION if name != "audit" and f"(`{name}`)" not in privacy] == []


def test_every_model_is_in_the_table_of_what_is_kept():
    (_who, table) = tables((DOCS / "explanation/privacy.md").read_text())

    told = sorted(name for row in table for name in terms(row[0]))

    assert told == sorted(model.__name__ for model in apps.get_app_config("faceauth").get_models())


def test_every_check_has_its_heading():
    sources = "".join(path.read_text() for path in Path(checks.__file__).parent.glob("*.py"))
    raised = set(re.findall(r'id="(faceauth\.\w+)"', sources))

    named = {name for name in headings("reference/checks.md") if name.startswith("faceauth.")}
    assert named == raised


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


def test_nothing_is_deprecated():
    """Until something is: then the page about upgrading names it."""
    told = (DOCS / "how-to/upgrade.md").read_text().partition("## Deprecated")[2]
    warned_of = [path for path in SOURCES if "deprecation import warn" in path.read_text()]

    assert told.strip().startswith("Nothing") == (not warned_of)
