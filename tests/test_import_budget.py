"""Modules that a site loads when it starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import django_faceauth
from benchmarks.imports import LATER, SITE

ROOT = Path(django_faceauth.__file__).parent.parent


def imported_by_a_site(*apps: str) -> set[str]:
    """Return the modules of a new process of a site after it has loaded its URLs."""
    done = subprocess.run(
        [sys.executable, "-c", SITE, *apps],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    return set(json.loads(done.stdout)[1])


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_a_site_loads_nothing_but_the_package_and_django():
    """No optional package, no test kit and no simulator."""
    modules = imported_by_a_site("django_faceauth")

    assert {"django_faceauth.models", "django_faceauth.admin", "django_faceauth.views"} <= modules
    assert packages(modules) & LATER == set()
    assert not [name for name in modules if re.match(r"django_faceauth\.(simulator|testing)", name)]
    others = packages(modules) - packages(imported_by_a_site()) - sys.stdlib_module_names
    assert others == {"django_faceauth"}
