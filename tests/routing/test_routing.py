"""Sites with tables outside `default`, and sites that read from a replica."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("layout", ["empty", "other", "replica"])
def test_a_site_with_routers_works_from_its_first_migration_on(layout, tmp_path):
    """Pages, gates, limits, webhooks, commands and admin, with real commits (F-08, F-23)."""
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    env |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings_routed",
        "FACEAUTH_TEST_LAYOUT": layout,
        "FACEAUTH_TEST_FOLDER": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }

    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.routing.walk"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert process.returncode == 0, process.stderr[-4000:]
    assert process.stdout.endswith("walked\n")
