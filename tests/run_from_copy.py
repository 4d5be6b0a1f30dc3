"""`python tests/run_from_copy.py FOLDER`: copy this tree without the package.

Tests that run there meet the package that is installed, and not the one beside them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEFT_BEHIND = ("django_faceauth", "__pycache__", "*.sqlite3*", "_build", "dist", "build")


def copy(folder: Path) -> None:
    """Replace a folder by a copy; what begins with a dot is left behind, too."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", *LEFT_BEHIND))


if __name__ == "__main__":
    copy(Path(sys.argv[1]))
