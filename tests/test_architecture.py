"""Direction of imports, and modules that alone may do something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import django_faceauth

ROOT = Path(django_faceauth.__file__).parent

#: From the bottom up. A package imports itself and those on lower floors.
FLOORS: list[set[str]] = [
    {
        "",
        "clocks",
        "durations",
        "exceptions",
        "identifiers",
        "metrics",
        "response_codes",
    }
    | {"messages", "secret", "signals", "statuses"},
    {"beat", "setting_parsers"},
    {"conf", "security_headers"},
    {"networks"},
    {"models", "provider"},
    {"services"},
    {"enrolment", "gate", "privacy", "sign_out"},
    {"tasks", "django_tasks"},
    {"runner"},
    {"views", "api", "webhooks", "admin", "management", "templatetags"}
    | {"healthcheck", "prometheus"},
    {"urls"},
    {"apps", "checks", "receivers"},
    {"simulator"},
    {"testing"},
    {"pytest_plugin"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: The only importers of some libraries.
ONLY_IN = {
    "requests": {"provider", "simulator"},
    "urllib3": {"provider", "simulator"},
    "celery": {"tasks"},
    "django_tasks": {"django_tasks"},
    "kombu": {"tasks"},
    "rest_framework": {"api", "sign_out"},
    "rest_framework_simplejwt": {"sign_out"},
    "drf_spectacular": {"api"},
    "health_check": {"healthcheck"},
    "allauth": {"services"},
    "django_otp": {"services"},
    "prometheus_client": {"prometheus"},
    "pytest": {"pytest_plugin"},
}


def sources() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.parts]


def room_of(module: str) -> str:
    """Return the first part of a module name below the package."""
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
    """Return the errors in the imports of one module."""
    tree = ast.parse(source)
    room = room_of(module)
    open_imports = set(map(id, [*tree.body, *_conditional(tree), *_explained(tree, source)]))
    errors = []
    for node, name in imports(tree):
        target = name.split(".")[0]
        if target == "django_faceauth" and not _may_import(room, room_of(name)):
            errors.append(f"{module} must not import {name}")
        if target in ONLY_IN and room not in ONLY_IN[target]:
            errors.append(f"{module} must not import {name}")
        if target in {"django_faceauth", *ONLY_IN} and id(node) not in open_imports:
            errors.append(f"{module} hides the import of {name}")
    return errors


def _conditional(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the imports for type checkers, such as that of `requests`, or for one Django."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from node.body
        if isinstance(node, ast.If) and ast.unparse(node.test).startswith("VERSION >= "):
            yield from [*node.body, *node.orelse]


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


def test_imports_point_down_and_those_in_functions_say_why():
    modules = {module_of(path): path.read_text() for path in sources()}

    assert {room_of(module) for module in modules} <= FLOOR_OF.keys(), "a new package: its floor?"
    assert [error for module in modules for error in problems(module, modules[module])] == []


def test_only_conf_reads_our_settings():
    for path in sources():
        assert "settings.FACEAUTH_" not in path.read_text(), path


def test_only_grants_touches_the_session():
    grants = ROOT / "services" / "grants"
    # The kit makes requests, and sessions for them, as Django's middleware does.
    owners = {grants / "identity.py", grants / "face_cookie.py", ROOT / "testing" / "sessions.py"}
    # django-allauth keeps the state of a passkey there.
    owners |= {ROOT / "services" / "second_ways" / "allauth_mfa.py"}
    for path in sources():
        assert "request.session" not in path.read_text() or path in owners, path


def test_only_sync_writes_what_the_provider_says():
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
