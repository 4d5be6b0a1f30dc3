"""`python -m benchmarks [--quick] [--check] [admin api gate imports ingest …]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import django

from benchmarks.figures import Figure

NAMES = ("admin", "api", "gate", "imports", "ingest", "junk", "load", "poll_count", "sweep")
HEAD = ("what", "ours", "reference", "ratio or value", "budget", "")


def main() -> int:
    """Measure, show, and tell by the exit code whether every budget is kept."""
    options = _parser().parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    django.setup()
    with _database():
        say(_machine())
        say(_line(HEAD))
        say(_line(("---",) * len(HEAD)))
        figures = list(_measured(options.names or NAMES, options.quick))
    return 1 if options.check and any(figure.is_over for figure in figures) else 0


def say(text: str) -> None:
    """Write a line at once, so that a long run can be watched."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="seconds, and rough figures")
    parser.add_argument("--check", action="store_true", help="fail when a budget is broken")
    return parser


def _measured(names: tuple[str, ...], quick: bool) -> Iterator[Figure]:
    for name in names:
        for figure in import_module(f"benchmarks.{name}").measure(quick=quick):
            say(_line(figure.cells))
            yield figure


@contextmanager
def _database() -> Iterator[None]:
    """Make a database for this run, and drop it."""
    from django.test.utils import setup_databases, teardown_databases

    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)


def _machine() -> str:
    from django.db import connection

    version = ".".join(map(str, connection.get_database_version()))
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Django {django.get_version()}, {connection.display_name} {version}\n"
    )


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
