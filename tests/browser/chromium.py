"""Where Chromium is, and how it is started."""

from __future__ import annotations

import os
import shutil
from typing import Final

VARIABLE: Final = "FACEAUTH_TEST_BROWSER"
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Return the path of a Chromium from FACEAUTH_TEST_BROWSER or PATH; empty if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, names)), "")
