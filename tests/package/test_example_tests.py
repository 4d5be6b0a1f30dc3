"""The bank's own tests, as a newcomer runs them: `manage.py test bank`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.server import MANAGE, environment

BANK = MANAGE.parent / "bank"
#: An address more, of which nobody has thought.
FORGOTTEN = """
from bank.urls import *
from bank.views import payout

urlpatterns.append(path("transfer/", payout, name="transfer"))
"""


def run(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the bank."""
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", MANAGE, "test", *arguments],
        env=environment(tmp_path, **env),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_bank_keeps_its_promises(tmp_path: Path) -> None:
    """All of its tests, which use the kit, pass."""
    written = "".join(path.read_text() for path in (BANK / "tests").glob("test_*.py"))

    done = run(tmp_path, "bank")

    assert done.returncode == 0, done.stderr
    assert f"Ran {written.count('def test_')} tests" in done.stderr


def test_a_gate_that_was_forgotten(tmp_path: Path) -> None:
    """The bank's tests notice, and say where."""
    (tmp_path / "forgotten.py").write_text(FORGOTTEN)
    settings = "from bank.settings import *\nROOT_URLCONF = 'forgotten'\n"
    (tmp_path / "forgotten_settings.py").write_text(settings)

    done = run(
        tmp_path,
        "bank.tests.test_gates",
        DJANGO_SETTINGS_MODULE="forgotten_settings",
        PYTHONPATH=":".join([str(tmp_path), *filter(None, sys.path)]),
    )

    assert done.returncode == 1, done.stderr
    assert "/transfer/ (transfer, bank.views.payout): no gate stands" in done.stderr
    assert "failures=1" in done.stderr
