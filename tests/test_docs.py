"""The documentation names everything there is, its links hold and its code runs."""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from celery import _state as celery_state
from django.core.management import get_commands
from django.dispatch import Signal
from prometheus_client import REGISTRY

import django_faceauth
from django_faceauth import checks, metrics, signals
from django_faceauth.conf import KNOWN
from tests.docs_parser import DOCS, PAGES, ROOT, code_blocks, without_code

OUR_SIGNALS = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}
CHECK_ID = re.compile(r"\bfaceauth\.[EW]\d{3}\b")
REQUIREMENT = re.compile(r"\b(?:[A-Z]|TH|T)-\d{1,2}(?:\.\d{1,2})?\b")


# -- the reference


def check_ids() -> set[str]:
    sources = Path(checks.__file__).parent.rglob("*.py")
    return {name for path in sources for name in CHECK_ID.findall(path.read_text())}


@pytest.mark.parametrize(
    ("page", "pattern", "names"),
    [
        ("settings.md", r"FACEAUTH_\w+", {f"FACEAUTH_{name}" for name in KNOWN}),
        ("checks.md", CHECK_ID.pattern, check_ids()),
        ("signals.md", r"\w+", set(OUR_SIGNALS)),
        (
            "commands.md",
            r"faceauth_\w+",
            {name for name in get_commands() if name.startswith("faceauth_")},
        ),
    ],
    ids=["settings", "checks", "signals", "commands"],
)
def test_every_name_has_its_place_in_the_reference(page, pattern, names):
    """In a heading, or in the first cell of a row of a table."""
    text = (DOCS / "reference" / page).read_text()
    documented = {
        name
        for name in re.findall(r"^(?:#+ |\| *)`([^`]+)`", text, re.M)
        if re.fullmatch(pattern, name)
    }

    assert documented == names


def test_every_requirement_has_a_test():
    """But for those that a document fulfils: how to report, and the notice."""
    text = (DOCS / "explanation/security.md").read_text()
    claimed = set(re.findall(r"^([A-Z]+-\d[\d.]*) ", text, re.M)) - {"Q-01", "V-05"}
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))

    assert claimed
    assert claimed - set(REQUIREMENT.findall(tests)) == set()


def test_log_lines_of_the_troubleshooting_page_exist():
    text = (DOCS / "how-to/troubleshooting.md").read_text().partition("## By log line")[2]
    cells = re.findall(r"^\| (`.+?) \|", text, re.M)
    starts = [line.split(":")[0] for cell in cells for line in re.findall(r"`([^`…=]+)", cell)]
    package = Path(django_faceauth.__file__).parent
    source = "".join(path.read_text() for path in package.rglob("*.py"))

    assert starts
    assert [line for line in starts if line.strip(" :") not in source] == []


# -- links


def anchors(page: Path) -> set[str]:
    """Return the anchors that repository pages and Sphinx give to headings."""
    titles = re.findall(r"^#+ (.+)$", without_code(page), re.M)
    shown = [re.sub(r"\]\([^)]*\)", "", title).lower() for title in titles]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in shown}


def test_links_lead_somewhere():
    broken = []
    for page in PAGES:
        links = re.findall(
            r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", without_code(page)
        )
        for target, anchor in links:
            linked = page.parent / target if target else page
            if not linked.exists() or (anchor and anchor not in anchors(linked)):
                broken.append(f"{page.relative_to(ROOT)}: {target}#{anchor}")

    assert broken == []


# -- code

#: Followed step by step in tests/package, in a site of its own.
TUTORIAL = DOCS / "tutorial.md"


@pytest.fixture
def _restored(monkeypatch) -> Iterator[None]:
    """Undo what the code of pages connects, registers and sets."""
    for name in ("CHECKOUT_SECRET_KEY", "FACEAUTH_WEBHOOK_KEY"):
        monkeypatch.setenv(name, "k" * 32)
    monkeypatch.setattr(metrics, "listeners", [])
    receivers = {signal: list(signal.receivers) for signal in OUR_SIGNALS.values()}
    celery_app = celery_state._tls.current_app
    collectors = set(REGISTRY._collector_to_names)
    yield
    for signal, before in receivers.items():
        signal.receivers = before
        signal.sender_receivers_cache.clear()
    for collector in set(REGISTRY._collector_to_names) - collectors:
        REGISTRY.unregister(collector)
    celery_state._set_current_app(celery_app)


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if code_blocks(page) and page != TUTORIAL],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_python_runs(page):
    """All blocks of a page, in their order, as one module."""
    module = ModuleType(page.stem.replace("-", "_"))
    vars(module).update(os=os, INSTALLED_APPS=[])  # as the settings of a project have them

    for block in code_blocks(page):
        exec(compile(block, str(page), "exec"), vars(module))


# -- public names


def test_what_modules_make_public_is_there_and_documented():
    wrong = []
    for found in pkgutil.walk_packages(django_faceauth.__path__, "django_faceauth."):
        module = import_module(found.name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name, None)
            is_ours = getattr(value, "__module__", "").startswith("django_faceauth")
            if value is None or (is_ours and not value.__doc__):
                wrong.append(f"{found.name}.{name}")

    assert wrong == []
