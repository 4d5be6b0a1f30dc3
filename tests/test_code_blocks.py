"""Every block of code in every page is run, or read by what would read it.

`READERS` is the whole list of languages: a block in another one, or in none, fails.
"""

from __future__ import annotations

import ast
import configparser
import csv
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from importlib import import_module
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
import tree_sitter_css
import tree_sitter_javascript
import yaml
from babel.messages import pofile
from celery import _state as celery_state
from django.core.management import get_commands, load_command_class
from django.dispatch import Signal
from django.template import Template
from prometheus_client import REGISTRY
from tree_sitter import Language, Parser

from django_faceauth import metrics, signals
from tests.manual import DOCS, PAGES, ROOT, Block, blocks, named, section

BLOCKS = [block for page in PAGES for block in blocks(page)]


# -- readers, by language: each raises if it cannot read the block


def read_python(block: Block) -> None:
    compile(block.text, str(block), "exec")


def read_console(block: Block) -> None:
    """Each command line is one that would start: the program, its subcommand, its options."""
    for command in commands_in(block):
        program, *arguments = [word for word in command if not re.fullmatch(r"[A-Z_]+=.*", word)]
        PROGRAMS[program](arguments)


def read_html(block: Block) -> None:
    Template(block.text)


def read_http(block: Block) -> None:
    """Requests and answers: a first line, headers, and a body of JSON where they say so."""
    for message in re.split(r"\n\n(?=HTTP/1\.1 )", block.text):
        head, _empty, body = message.partition("\n\n")
        first, *headers = head.splitlines()
        assert re.fullmatch(r"(GET|POST) /\S* HTTP/1\.1|HTTP/1\.1 [1-5]\d\d [A-Z][\w ]+", first)
        named_by = dict(line.split(": ", 1) for line in headers)
        assert bool(body.strip()) == ("json" in named_by.get("Content-Type", ""))
        if body.strip():
            json.loads(body)


def read_js(block: Block) -> None:
    tree = Parser(Language(tree_sitter_javascript.language())).parse(block.text.encode())
    assert not tree.root_node.has_error, tree.root_node


def read_css(block: Block) -> None:
    tree = Parser(Language(tree_sitter_css.language())).parse(block.text.encode())
    assert not tree.root_node.has_error, tree.root_node


def read_po(block: Block) -> None:
    assert [message.id for message in pofile.read_po(StringIO(block.text), abort_invalid=True)]


def read_ini(block: Block) -> None:
    configparser.ConfigParser(interpolation=None).read_string(block.text)


def read_csv(block: Block) -> None:
    head, *rows = csv.reader(block.text.splitlines(), strict=True)
    assert rows
    assert {len(row) for row in rows} == {len(head)}


def read_text(block: Block) -> None:
    """A drawing, or a line of a log: it has to fit."""
    assert max(map(len, block.text.splitlines())) <= 100


def read_toctree(block: Block) -> None:
    """Names of pages, or all of them."""
    for line in block.text.splitlines():
        if line and line != "*" and not line.startswith(":"):
            assert (block.page.parent / f"{line}.md").exists()


def read_include(block: Block) -> None:
    """The file is in the first line."""
    assert (block.page.parent / INCLUDED.fullmatch(block.language)[1]).exists()


INCLUDED = re.compile(r"\{include\} (\S+)")

READERS: dict[str, Callable[[Block], object]] = {
    "console": read_console,
    "css": read_css,
    "csv": read_csv,
    "html": read_html,
    "http": read_http,
    "ini": read_ini,
    "js": read_js,
    "json": lambda block: json.loads(block.text),
    "po": read_po,
    "python": read_python,
    "text": read_text,
    "yaml": lambda block: yaml.safe_load(block.text),
    "{include}": read_include,
    "{toctree}": read_toctree,
}


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language], ids=str)
def test_every_block_can_be_read(block):
    READERS[block.language.partition(" ")[0]](block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_its_language(page):
    assert [str(block) for block in blocks(page) if not block.language] == []


#: What a reader must not take for its language.
BAD = [
    ("console", "$ make nothing\n"),
    ("console", "$ pip install django-faceauth[nothing]\n"),
    ("console", "$ python manage.py faceauth_sync --nothing\n"),
    ("console", "$ python manage.py faceauth_nothing\n"),
    ("console", "$ nothing\n"),
    ("console", "$ python 'manage.py\n"),
    ("console", "> python manage.py check\n"),
    ("css", "a {"),
    ("csv", "a,b\nc\n"),
    ("html", "{% if %}"),
    ("html", "{% load nothing %}"),
    ("http", "HTTP/1.1 200\n"),
    ("http", "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{'a': 1}\n"),
    ("ini", "[a\n"),
    ("js", "const = 1;"),
    ("json", "{'a': 1}"),
    ("po", "msgid nothing\n"),
    ("python", "def f(:"),
    ("text", "a" * 101),
    ("yaml", "a: b: c"),
    ("{include} nothing.md", ""),
    ("{toctree}", "nothing"),
]


@pytest.mark.parametrize(("language", "text"), BAD)
def test_what_the_readers_would_catch(language, text):
    block = Block(DOCS / "index.md", 1, language, text)

    with pytest.raises(Exception):  # noqa: B017, PT011 - each reader has its own
        READERS[language.partition(" ")[0]](block)


def test_each_reader_was_tried():
    assert {language.partition(" ")[0] for language, _text in BAD} == set(READERS)


# -- command lines


def commands_in(block: Block) -> Iterator[list[str]]:
    """Return the words of each command; other lines are what it prints."""
    text = block.text.replace("\\\n", " ")
    assert text.startswith("$ "), "the first line of a console is a command"
    for line in text.splitlines():
        if line.startswith("$ "):
            words = shlex.split(line.removeprefix("$ "))
            yield words[: words.index(">")] if ">" in words else words


def check_make(arguments: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {one for one in arguments if "=" not in one} <= set(targets)


def check_pip(arguments: list[str]) -> None:
    assert arguments[0] == "install"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for one in arguments[1:]:
        extras = re.fullmatch(r"--\w+|django-faceauth(?:\[(\w+)\])?(?:==[\d.]+)?", one)
        assert extras, one
        assert not extras[1] or extras[1] in project["optional-dependencies"]


def check_python(arguments: list[str]) -> None:
    if arguments[0] == "-c":
        ast.parse(arguments[1])
    elif arguments[0] == "-m":
        import_module(arguments[1])
    else:
        assert arguments[0] == "manage.py"
        check_command(*arguments[1:])


def check_command(name: str, *arguments: str) -> None:
    """Have the command's own parser read its arguments."""
    found = get_commands()[name]
    command = load_command_class(found, name) if isinstance(found, str) else found
    command.create_parser("manage.py", name).parse_args(arguments)


PROGRAMS: dict[str, Callable[[list[str]], object]] = {
    ".": lambda arguments: arguments,
    "celery": lambda arguments: arguments.index("-A"),
    "curl": lambda arguments: arguments.index("-X"),
    "django-admin": lambda arguments: check_command(*arguments),
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
}


# -- Python, run

#: What a page uses and does not import.
GIVEN: dict[str, dict[str, Any]] = {
    "README.md": {"os": os},
}
#: What every settings module has before ours are added.
SETTINGS = {"INSTALLED_APPS": []}
#: Followed to the letter by tests/newcomer, in a site of its own.
FOLLOWED = DOCS / "tutorial.md"


def python_of(page: Any) -> list[str]:
    """Return the Python of a page; its shop is the test site's."""
    texts = [block.text for block in blocks(page) if block.language == "python"]
    return [text.replace("from shop.", "from tests.site.") for text in texts]


@pytest.fixture
def _alone(monkeypatch) -> Iterator[None]:
    """Forget what pages connect, register and set."""
    for name in ("CHECKOUT_SECRET_KEY", "FACEAUTH_WEBHOOK_KEY"):
        monkeypatch.setenv(name, "k" * 32)
    monkeypatch.setattr(metrics, "listeners", [])
    ours: Iterable[Signal] = [one for one in vars(signals).values() if isinstance(one, Signal)]
    receivers = [list(signal.receivers) for signal in ours]
    app = celery_state._tls.current_app
    before = set(REGISTRY._collector_to_names)
    yield
    for signal, known in zip(ours, receivers, strict=True):
        signal.receivers = known
        signal.sender_receivers_cache.clear()
    for collector in set(REGISTRY._collector_to_names) - before:
        REGISTRY.unregister(collector)
    celery_state._set_current_app(app)


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if python_of(page) and page != FOLLOWED],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_python_runs(page):
    """All blocks of a page, in their order, as one module."""
    name = str(page.relative_to(ROOT))
    module = ModuleType(page.stem.replace("-", "_"))
    vars(module).update(deepcopy(SETTINGS) | GIVEN.get(name, {}))

    for text in python_of(page):
        exec(compile(text, name, "exec"), vars(module))


#: What pages leave to the reader to write.
YOURS = {"is_right", "open_a_case"}


def test_python_names_what_there_is(tmp_path):
    """Also in the functions, which nothing calls here."""
    for page in PAGES:
        names = [*SETTINGS, *GIVEN.get(str(page.relative_to(ROOT)), ())]
        given = "".join(f"{name} = None\n" for name in names)
        name = "-".join(page.relative_to(ROOT).with_suffix(".py").parts)
        (tmp_path / name).write_text(given + "\n\n".join(python_of(page)))

    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,F401", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    wrong = set(re.findall(r"F821 Undefined name `(\w+)`", found.stdout)) - YOURS
    unused = set(re.findall(r"F401 .*`([\w.]+)` imported but unused", found.stdout))
    assert (wrong, unused) == (set(), set()), found.stdout


# -- what blocks name


def test_the_alarms_watch_metrics_that_there_are():
    told = next(block for block in BLOCKS if block.language == "yaml").text

    watched = set(re.findall(r"\bfaceauth_\w+", told)) - {"faceauth_doctor"}

    gauges, counters = (section("metrics.md", heading) for heading in ("Gauges", "Counters"))
    assert watched <= {*named(gauges), *named(counters)}


def test_the_settings_of_blocks_are_settings():
    """A name that nothing reads would be followed by people."""
    known = set(re.findall(r"^### `(\w+)`$", (DOCS / "reference/settings.md").read_text(), re.M))
    told = {
        name
        for block in BLOCKS
        if block.language == "python"
        for name in re.findall(r"^(FACEAUTH_\w+) =", block.text, re.M)
    }

    assert told <= known
