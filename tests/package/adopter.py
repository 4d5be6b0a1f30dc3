"""A project of somebody else, with pytest and this package installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent

#: Everything that states need; the simulator needs one app more.
SETTINGS: Final = """
from tests.settings import *

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
FACEAUTH_SIMULATOR_ENABLED = False
FACEAUTH_SECRET_KEY = ""
"""
OPTIONS: Final = ("-p", "no:cacheprovider", "-p", "no:randomly", "--color=no")
TRUSTED: Final = ("PATH", "HOME", "PYTHONDEVMODE", "LANG", "LC_ALL", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with tests."""

    folder: Path

    def has(self, name: str, source: str) -> None:
        """Write a file of the project."""
        (self.folder / name).write_text(source)

    def tests(self, *options: str) -> tuple[dict[str, int], str]:
        """Run the tests; return how many passed, failed and so on, and all that was printed."""
        # As pip would say it of the wheel, also where this tree was installed before.
        _install(self.folder / "installed")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *options],
            cwd=self.folder,
            env={
                **{name: os.environ[name] for name in TRUSTED if name in os.environ},
                "PYTHONPATH": os.pathsep.join([str(self.folder / "installed"), str(ROOT)]),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        last = done.stdout.strip().rpartition("\n")[2]
        return {what: int(n) for n, what in re.findall(r"(\d+) (\w+)", last)}, told


def _install(site_packages: Path) -> None:
    given = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    info = site_packages / "adopted_faceauth-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adopted-faceauth\nVersion: 1.0\n")
    named = "".join(f"{name} = {path}\n" for name, path in given["pytest11"].items())
    (info / "entry_points.txt").write_text(f"[pytest11]\n{named}")
