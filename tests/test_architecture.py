"""Imports point down, in the open, and our settings have one reader."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_faceauth

ROOT = Path(django_faceauth.__file__).parent

#: From the ground up. A room imports itself and what stands on lower floors; rooms of
#: one floor do not know each other.
FLOORS: list[set[str]] = [
    {
        "",
        "clocks",
        "compat",
        "durations",
        "exceptions",
        "identifiers",
        "metrics",
        "response_codes",
    }
    | {"messages", "secret", "signals", "statuses"},
    {"beat", "conf"},
    {"security_headers"},
    {"models", "provider"},
    {"services"},
    {"enrolment", "gate"},
    {"tasks"},
    {"views", "api", "webhooks", "admin", "management", "templatetags"}
    | {"healthcheck", "prometheus"},
    {"urls"},
    {"apps", "checks", "receivers"},
    {"simulator"},
    {"testing"},
    {"pytest_plugin"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: Who alone may speak to these.
ONLY_IN = {
    "requests": {"provider", "simulator"},
    "urllib3": {"provider", "simulator"},
    "celery": {"tasks"},
    "kombu": {"tasks"},
    "rest_framework": {"api"},
    "drf_spectacular": {"api"},
    "health_check": {"healthcheck"},
    "prometheus_client": {"prometheus"},
    "pytest": {"pytest_plugin"},
}


def sources() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.parts]


def room_of(module: str) -> str:
    """Return the part of the house that a dotted module name belongs to."""
    return [*module.split("."), ""][1] if module.startswith("django_faceauth") else ""


def module_of(path: Path) -> str:
    parts = ("django_faceauth", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "django_faceauth":
            yield from ((node, f"django_faceauth.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""


def problems(module: str, source: str) -> list[str]:
    """Return what is wrong with the imports of one module."""
    tree = ast.parse(source)
    room = room_of(module)
    in_the_open = set(map(id, [*tree.body, *_for_types_only(tree), *_explained(tree, source)]))
    wrong = []
    for node, name in imports(tree):
        target = name.split(".")[0]
        if target == "django_faceauth" and not _may_import(room, room_of(name)):
            wrong.append(f"{module} must not import {name}")
        if target in ONLY_IN and room not in ONLY_IN[target]:
            wrong.append(f"{module} must not import {name}")
        if target in {"django_faceauth", *ONLY_IN} and id(node) not in in_the_open:
            wrong.append(f"{module} hides the import of {name}")
    return wrong


def _for_types_only(tree: ast.Module) -> Iterator[ast.AST]:
    """What is imported by type checkers alone: `requests` is not to come with every process."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from node.body


def _explained(tree: ast.Module, source: str) -> Iterator[ast.AST]:
    """Yield the imports in functions that have a comment, on their line or the line above."""
    lines = ["", *source.splitlines()]
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom) and (
                    "  # " in lines[node.lineno] or lines[node.lineno - 1].lstrip().startswith("# ")
                ):
                    yield node


def _may_import(room: str, target: str) -> bool:
    if target not in FLOOR_OF:  # __version__ and the like
        return True
    return room == target or FLOOR_OF[target] < FLOOR_OF[room]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_and_are_not_hidden(path):
    module = module_of(path)

    assert room_of(module) in FLOOR_OF, "a new room needs its floor"
    assert problems(module, path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    # not yet loaded\n    from django_faceauth import conf",
        "def f():\n    from django_faceauth import conf  # not yet loaded",
    ],
)
def test_an_import_in_a_function_says_why(source):
    assert problems("django_faceauth.gate.policy", source) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("django_faceauth.models.challenge", "from django_faceauth.services import flow"),
        ("django_faceauth.models.challenge", "import django_faceauth.provider.client"),
        ("django_faceauth.provider.client", "from django_faceauth.models import Applicant"),
        ("django_faceauth.services.flow.finish", "from django_faceauth import views"),
        ("django_faceauth.services.flow.finish", "from django_faceauth import simulator"),
        ("django_faceauth.views.flow", "from django_faceauth.simulator import state_machine"),
        ("django_faceauth.views", "import requests"),
        ("django_faceauth.services.monitoring.health", "import prometheus_client"),
        ("django_faceauth.gate.problem_details", "from drf_spectacular.utils import extend_schema"),
        ("django_faceauth.gate.policy", "def f():\n    from django_faceauth import conf"),
        ("django_faceauth.gate.policy", "def f():\n    from django_faceauth import views  # why"),
        ("django_faceauth.views", "if True:\n    from django_faceauth.gate import decision"),
        ("django_faceauth.gate.policy", "from django_faceauth.views import start"),
    ],
)
def test_what_this_test_would_catch(module, source):
    assert problems(module, source)


def test_only_conf_reads_our_settings():
    for path in sources():
        assert "settings.FACEAUTH_" not in path.read_text(), path


def test_only_grants_touches_the_session():
    for path in sources():
        touches = "request.session" in path.read_text()
        # The kit makes requests, and sessions for them, as Django's middleware does.
        owners = {ROOT / "services" / "grants" / "grants.py", ROOT / "testing" / "sessions.py"}
        assert not touches or path in owners, path


def test_only_sync_writes_what_the_provider_says():
    """`status` of a mirrored row has one writer."""
    for path in sources():
        if room_of(module_of(path)) in {"simulator", "models"}:
            continue
        writes = any(
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and node.attr in {"status", "response_codes", "modified_on"}
            for node in ast.walk(ast.parse(path.read_text()))
        )
        assert not writes or path == ROOT / "services" / "sync" / "sync.py", path
