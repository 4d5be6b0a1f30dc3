"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib import import_module

import django

NAMES = ("gate", "ingest", "calls", "pulls", "sweep", "imports", "admin")


def main() -> int:
    """Measure and show the figures; return 1 when a budget is broken and --check is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="rough figures, in about a minute")
    parser.add_argument("--check", action="store_true", help="fail when a budget is broken")
    options = parser.parse_args()

    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
    is_over = False
    sys.stdout.reconfigure(line_buffering=True)  # a long run can be watched
    try:
        version = ".".join(map(str, connection.get_database_version()))
        sys.stdout.write(
            f"{os.cpu_count()} cores, Python {platform.python_version()}, "
            f"Django {django.get_version()}, {connection.display_name} {version}\n\n"
            "| what | ours | reference | ratio or value | budget | |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
        )
        for name in options.names or NAMES:
            for figure in import_module(f"benchmarks.{name}").measure(quick=options.quick):
                sys.stdout.write(f"| {' | '.join(figure.cells)} |\n")
                is_over |= figure.is_over
    finally:
        teardown_databases(databases, verbosity=0)
    return 1 if options.check and is_over else 0


if __name__ == "__main__":
    sys.exit(main())
