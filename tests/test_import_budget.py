"""A site that lists the package starts without what only some of its processes need.

Times are measured by `python -m benchmarks imports`; here it is what may not be there at all.
"""

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
    """Return the modules that a fresh process of a site has once it knows its addresses."""
    done = subprocess.run(
        [sys.executable, "-c", SITE, *apps],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    return set(json.loads(done.stdout)[1])


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_nothing_heavy_comes_before_its_time():
    """The models, the admin, the checks and the addresses are there, and none of these."""
    modules = imported_by_a_site("django_faceauth")

    assert {"django_faceauth.models", "django_faceauth.admin", "django_faceauth.views"} <= modules
    assert packages(modules) & LATER == set()


def test_the_package_alone_brings_nothing_but_django():
    """Of what is not Python's own."""
    more = packages(imported_by_a_site("django_faceauth")) - packages(imported_by_a_site())

    assert more - sys.stdlib_module_names == {"django_faceauth"}


def test_no_part_of_the_kit_for_tests_or_of_the_simulator_is_loaded():
    modules = imported_by_a_site("django_faceauth")

    assert not [name for name in modules if re.match(r"django_faceauth\.(simulator|testing)", name)]
