"""The documentation names everything there is, its links hold and its code runs."""

from __future__ import annotations

import ast
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
from django_faceauth import checks, messages, metrics, signals
from django_faceauth.conf import KNOWN
from django_faceauth.messages import Wording
from django_faceauth.services.monitoring import doctor
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
    text = (ROOT / "tests/requirements.md").read_text()
    claimed = set(re.findall(r"^([A-Z]+-\d[\d.]*) ", text, re.M)) - {"Q-01", "V-05"}
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))

    assert claimed
    assert claimed - set(REQUIREMENT.findall(tests)) == set()


# -- troubleshooting

PACKAGE = Path(django_faceauth.__file__).parent
#: Statuses that no call names: of functions of ours and of Django, and of proxies.
ELSEWHERE = {"302", "401", "405", "409", "500", "502", "504"}
LOGGING = [f"logger.{level}" for level in ("warning", "error", "critical", "exception", "log")]
#: The arguments from which on a call in the doctor is about no finding, but good or a cure.
NO_FINDING = {"ok": 0, "different": 1, "warning": 2, "problem": 2}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    return ((ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def first_text(call: ast.Call) -> str:
    """Return the first text of a call, with `…` in place of its values."""
    text = next(str(arg.value) for arg in call.args if isinstance(arg, ast.Constant))
    return re.sub(r"%(\(\w+\))?[ds]", "…", text)


def log_lines() -> set[str]:
    trees = (ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py"))
    return {first_text(call) for tree in trees for name, call in calls(tree) if name in LOGGING}


def findings() -> set[str]:
    tree = ast.parse(Path(doctor.__file__).read_text())
    others = [arg for name, call in calls(tree) for arg in call.args[NO_FINDING.get(name, 9) :]]
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    others += [node for node in assigned if ast.unparse(node.targets) in {"fix", "good"}]
    skipped = {node for other in others for node in ast.walk(other)}
    return {first_text(call) for name, call in calls(tree) if name == "_" and call not in skipped}


def titles() -> set[str]:
    pages = "".join(path.read_text() for path in PACKAGE.glob("templates/faceauth/*.html"))
    given = set(re.findall(r'block title %}{% translate "(.+?)"', pages))
    for some in [vars(messages), *(v for v in vars(messages).values() if isinstance(v, dict))]:
        given |= {str(one.title) for one in some.values() if isinstance(one, Wording)}
    return given - {"Face check"}  # of base.html, which all replace


def statuses() -> set[str]:
    """Of pages, gates and webhooks: those of the API are in its reference."""
    paths = [PACKAGE / "webhooks.py", *PACKAGE.glob("views/*.py"), *PACKAGE.glob("gate/*.py")]
    found = [call for path in paths for _name, call in calls(ast.parse(path.read_text()))]
    given = [word.value for call in found for word in call.keywords if word.arg == "status"]
    given += [call.args[0] for call in found if ast.unparse(call.func) == "_answer"]
    return set(re.findall(r"\b[45]\d\d\b", " ".join(map(ast.unparse, given))))


@pytest.mark.parametrize(
    ("section", "pattern", "texts"),
    [
        ("status code", r"\b(\d{3})\b", statuses),
        ("page title", r"`([^`]+)`", titles),
        ("log line", r"`([^`]+)`", log_lines),
        ("finding", r"`([^`]+)`", findings),
    ],
)
def test_troubleshooting_has_all_that_is_seen(section, pattern, texts):
    """By the beginning of each text, or by what follows an ellipsis; and nothing else."""
    page, given = (DOCS / "how-to/troubleshooting.md").read_text(), texts()
    table = page.partition(f"## By {section}\n")[2].partition("\n## ")[0]
    shown = re.findall(pattern, " ".join(re.findall(r"^\| (.+?) \|", table, re.M)))

    def is_of(short: str, text: str) -> bool:
        return short[1:].strip() in text if short[0] == "…" else text.startswith(short)

    assert [text for text in given if not any(is_of(short, text) for short in shown)] == []
    gone = [short for short in shown if not any(is_of(short, text) for text in given)]
    assert set(gone) <= ELSEWHERE


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
