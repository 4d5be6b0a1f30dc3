"""What must be true of a tree before anything is made of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.M)


class Refused(Exception):
    """The tree is not a release; the message says why, and what to do."""


def version_of(tree: Path) -> str:
    """Return the version that the package says it has."""
    found = VERSION.search((tree / "django_faceauth" / "__init__.py").read_text())
    if found is None:
        raise Refused("django_faceauth/__init__.py has no __version__.")
    return found[1]


def git(tree: Path, *arguments: str) -> str:
    """Return what git says about a tree."""
    command = ["git", "-C", str(tree), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def check(tree: Path) -> str:
    """Return the version of a tree that may be released; raise `Refused` for any other."""
    version = version_of(tree)
    _is_clean(tree)
    _is_tagged(tree, version)
    _is_in_the_changelog((tree / "CHANGELOG.md").read_text(), version)
    return version


def _is_clean(tree: Path) -> None:
    changed = git(tree, "status", "--porcelain")
    if changed:
        raise Refused(f"Commit or remove these first:\n{changed}")


def _is_tagged(tree: Path, version: str) -> None:
    tags = git(tree, "tag", "--points-at", "HEAD").split()
    if f"v{version}" not in tags:
        raise Refused(f"Check out the tag v{version}: this commit has {tags or 'no tag'}.")


def _is_in_the_changelog(text: str, version: str) -> None:
    headings = re.findall(r"^## (.+)$", text, re.M)
    if "Unreleased" in headings:
        raise Refused(f"CHANGELOG.md has lines that are unreleased: give them to {version}.")
    dated = re.compile(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d")
    if not headings or not dated.fullmatch(headings[0]):
        raise Refused(f"CHANGELOG.md must begin with “## {version} - ” and the day.")
