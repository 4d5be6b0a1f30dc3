"""What sites can rely on, as text: `python -m tests.public_api` writes public_api.txt anew.

A module of the package says by `__all__` what of it is public; one that has none is not.
"""

from __future__ import annotations

import inspect
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import django
from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db.models import Model

import django_faceauth

PACKAGE = Path(django_faceauth.__file__).parent
TREE = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "public_api.txt"
APP = "faceauth"


def surface() -> str:
    """Return all of it, section by section."""
    sections = {
        "modules": _modules(),
        "settings": _settings(),
        "addresses": _addresses(),
        "templates and their blocks": _templates(),
        "static files": _static_files(),
        "template tags": _tags(),
        "commands": _commands(),
        "permissions": sorted(_permissions()),
        "checks": _checks(),
        "tables": sorted(_tables()),
        "entry points": _entry_points(),
    }
    return "\n".join(_section(title, lines) for title, lines in sections.items())


def _section(title: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in (f"# {title}", "", *lines))


def _modules() -> Iterator[str]:
    """Each public name, with what it takes and returns."""
    found = walk_packages([str(PACKAGE)], f"{django_faceauth.__name__}.")
    names = [one.name for one in found if ".migrations" not in one.name]
    for module in map(import_module, [django_faceauth.__name__, *sorted(names)]):
        for name in sorted(getattr(module, "__all__", ())):
            yield from _described(f"{module.__name__}.{name}", getattr(module, name))


def _described(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        prefix = "async " if inspect.iscoroutinefunction(value) else ""
        yield f"{prefix}{name}{_signature(value)}"
    elif name.startswith("django_faceauth.tasks.") and callable(value):
        yield f"{name}{_signature(value.run)}: task {value.name}"
    elif not isinstance(value, ModuleType):
        yield f"{name}: {type(value).__name__}"


def _signature(function: Any) -> str:
    """Return what a function takes and returns; annotations as they are written."""
    signature = inspect.signature(function)
    parameters = [one.replace(annotation=_as_written(one)) for one in signature.parameters.values()]
    returned = _AsWritten(signature.return_annotation)
    text = str(signature.replace(parameters=parameters, return_annotation=returned))
    return re.sub(r" at 0x\w+", "", text)


class _AsWritten(str):
    """An annotation that shows itself without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _as_written(parameter: inspect.Parameter) -> Any:
    nothing = inspect.Parameter.empty
    return nothing if parameter.annotation is nothing else _AsWritten(parameter.annotation)


def _class(name: str, kind: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    yield f"class {name}({bases})"
    if issubclass(kind, Enum):
        yield from (f"    {one.name} = {one.value!r}" for one in kind)
    for member, value in sorted(_members(kind)):
        if isinstance(value, property):
            yield f"    {member} -> {inspect.signature(value.fget).return_annotation}"
        elif isinstance(value, (classmethod, staticmethod)):
            yield f"    {member}{_signature(value.__func__)}"
        elif inspect.isfunction(value):
            yield f"    {member}{_signature(value)}"
        elif member in kind.__annotations__:
            of = kind.__annotations__[member]
            yield f"    {member}: {getattr(of, '__forward_arg__', of)}"


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """What a class itself adds; the columns of a model are in a section of their own."""
    own = {**dict.fromkeys(vars(kind).get("__annotations__", ())), **vars(kind)}
    for name, value in own.items():
        # Django's metaclass adds `media` to what the admin shows.
        is_ours = (not name.startswith("_") and name != "media") or name == "__init__"
        if is_ours and not (issubclass(kind, (Enum, Model)) and name == "__init__"):
            yield name, value


def _settings() -> Iterator[str]:
    conf = import_module("django_faceauth.conf")
    for name in sorted(conf.KNOWN):
        of = inspect.signature(getattr(conf.Conf, name).fget).return_annotation
        yield f"{conf.PREFIX}{name}: {of}"


def _addresses() -> Iterator[str]:
    """Names to reverse, with their arguments; the paths below are ours."""
    for name in ("django_faceauth.urls", "django_faceauth.api.urls"):
        module = import_module(name)
        named = [pattern for pattern in module.urlpatterns if pattern.name]
        yield from sorted(f"{module.app_name}:{one.name} {one.pattern}" for one in named)


def _templates() -> Iterator[str]:
    root = PACKAGE / "templates"
    for path in sorted(root.glob("faceauth/**/*.*")):
        blocks = re.findall(r"{% block (\w+) %}", path.read_text())
        yield f"{path.relative_to(root).as_posix()}: {' '.join(sorted(set(blocks)))}".rstrip(": ")


def _static_files() -> Iterator[str]:
    root = PACKAGE / "static"
    yield from sorted(path.relative_to(root).as_posix() for path in root.glob("*/*.*"))


def _tags() -> Iterator[str]:
    library = import_module("django_faceauth.templatetags.faceauth")
    for name in sorted({*library.register.tags, *library.register.filters}):
        yield f"{name}{_signature(getattr(library, name))}"


def _commands() -> Iterator[str]:
    common = _options(BaseCommand())
    for name, app in sorted(get_commands().items()):
        if app.startswith("django_faceauth"):
            command = load_command_class(app, name)
            yield " ".join([name, *(one for one in _options(command) if one not in common)])


def _options(command: BaseCommand) -> list[str]:
    parser = command.create_parser("manage.py", "command")
    return sorted("/".join(one.option_strings) or one.dest.upper() for one in parser._actions)


def _permissions() -> Iterator[str]:
    for model in apps.get_app_config(APP).get_models():
        options = model._meta
        names = [get_permission_codename(one, options) for one in options.default_permissions]
        names += [codename for codename, _ in options.permissions]
        yield from (f"{options.app_label}.{name}" for name in names)


def _checks() -> list[str]:
    sources = "".join(path.read_text() for path in (PACKAGE / "checks").glob("*.py"))
    return sorted(set(re.findall(r'id="(faceauth\.\w+)"', sources)))


def _tables() -> Iterator[str]:
    """The columns that a site may query."""
    for model in apps.get_app_config(APP).get_models():
        for field in model._meta.concrete_fields:
            kind = type(field).__name__ + (", may be null" if field.null else "")
            yield f"{model._meta.object_name}.{field.name}: {kind}"


def _entry_points() -> Iterator[str]:
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    groups = {**project.get("entry-points", {}), "console_scripts": project.get("scripts", {})}
    for group, points in sorted(groups.items()):
        yield from (f"{group}: {name} = {target}" for name, target in sorted(points.items()))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    GOLDEN.write_text(surface())
