"""A release is made of its tag, or not at all (Q-03)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

import django_faceauth
from tests.newcomer.conftest import ROOT

pytestmark = pytest.mark.newcomer

VERSION = django_faceauth.__version__
NAME = f"django_faceauth-{VERSION}"
SOURCE = "https://code.example/django-faceauth"


@dataclass(frozen=True)
class Tree:
    """A repository that has this tree, and nothing else."""

    folder: Path

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=me", "-c", "user.email=me@bank.example"]
        done = subprocess.run(
            [*command, "-C", self.folder, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def changes(self, path: str, change: Callable[[str], str]) -> None:
        """Change a file, and commit it."""
        file = self.folder / path
        file.write_text(change(file.read_text()))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")

    def is_tagged(self, tag: str = f"v{VERSION}") -> None:
        self.git("tag", "--force", tag)

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Make a release; nobody outside is asked about it."""
        return subprocess.run(
            [sys.executable, "-m", "release", "--offline", "--source", SOURCE, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )


def dated(changelog: str) -> str:
    """Give what is unreleased to this version, unless that is done."""
    return changelog.replace("## Unreleased", f"## {VERSION} - 2026-03-01", 1)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> Tree:
    """This tree as a release."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".tox", ".*cache", "__pycache__", "*.sqlite3*", "_build", "dist", "build"
    )
    folder = tmp_path_factory.mktemp("release") / "tree"
    tagged = Tree(shutil.copytree(ROOT, folder, ignore=ignored))
    tagged.git("init", "--quiet")
    tagged.changes("CHANGELOG.md", dated)
    tagged.is_tagged()
    return tagged


@pytest.fixture
def tree(tagged, tmp_path) -> Tree:
    """A checkout of it."""
    tagged.git("clone", "--quiet", str(tagged.folder), str(tmp_path / "tree"))
    return Tree(tmp_path / "tree")


def test_what_is_made(tree):
    """Each file is in the sums and in the statement, and the statement names the commit."""
    done = tree.release()
    assert done.returncode == 0, done.stderr

    made = {path.name: path.read_bytes() for path in (tree.folder / "dist").iterdir()}
    distributions = {f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"}
    more = {f"{NAME}.cdx.json", f"{NAME}.provenance.json", "SHA256SUMS"}
    assert set(made) == distributions | more
    sums = dict(line.split("  ")[::-1] for line in made.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: sha256(content).hexdigest() for name, content in made.items()}
    _is_told(tree, json.loads(made.pop(f"{NAME}.provenance.json")), sums)
    _is_listed(json.loads(made[f"{NAME}.cdx.json"]))
    assert "do not publish this" in done.stdout


def _is_told(tree: Tree, statement: dict, sums: dict[str, str]) -> None:
    told = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    assert told == {name: sums[name] for name in sums if not name.endswith("provenance.json")}
    built = statement["predicate"]["buildDefinition"]
    commit, *builders = built["resolvedDependencies"]
    assert commit["digest"]["gitCommit"] == tree.git("rev-parse", "HEAD")
    assert commit["uri"] == f"git+{SOURCE}@refs/tags/v{VERSION}"
    assert "pkg:pypi/hatchling" in {one["uri"].partition("@")[0] for one in builders}
    assert all(re.fullmatch(r"[0-9a-f]{64}", one["digest"]["sha256"]) for one in builders)
    assert str(tree.folder) not in json.dumps(statement)


def _is_listed(bill: dict) -> None:
    """What the wheel needs, in exact versions, and none of the tools that made it."""
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "django-faceauth"
    listed = {one["name"].lower(): one["version"] for one in bill["components"]}
    assert {"django", "requests", "urllib3", "certifi"} <= set(listed)
    assert all(listed.values())
    assert not {"pip", "build", "twine", "pytest", "celery"} & set(listed)


def test_a_tree_with_something_uncommitted_is_refused(tree):
    (tree.folder / "django_faceauth" / "late.py").touch()

    done = tree.release()

    assert done.returncode == 1
    assert "django_faceauth/late.py" in done.stderr
    assert not (tree.folder / "dist").exists()


@pytest.mark.parametrize("tag", ["v0.0.1", "wip"])
def test_a_commit_without_the_tag_of_its_version_is_refused(tree, tag):
    tree.changes("README.md", lambda text: f"{text}\n")
    tree.is_tagged(tag)

    done = tree.release()

    assert done.returncode == 1
    assert f"Check out the tag v{VERSION}" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda text: text.replace(f"## {VERSION} - ", "## Unreleased\n\n## "), "unreleased"),
        (lambda text: text.replace(f"## {VERSION} - ", "## 0.0.1 - "), "must begin"),
        (lambda text: text.replace(f"## {VERSION} - 2026-03-01", f"## {VERSION}"), "must begin"),
    ],
)
def test_a_changelog_that_is_not_of_this_version_is_refused(tree, wrong, said):
    tree.changes("CHANGELOG.md", wrong)
    tree.is_tagged()

    done = tree.release()

    assert done.returncode == 1
    assert said in done.stderr


def test_a_version_that_the_tag_does_not_have_is_refused(tree):
    tree.changes(
        "django_faceauth/__init__.py", lambda text: text.replace(f'"{VERSION}"', '"9.9.9"')
    )
    tree.is_tagged()

    done = tree.release()

    assert done.returncode == 1
    assert "v9.9.9" in done.stderr


def test_a_builder_that_is_not_the_one_we_know_is_refused(tree):
    """Its sum is not that of the file that is written down (Q-03)."""
    tree.changes(
        "release/requirements.txt",
        lambda text: re.sub(r"sha256:\w{64}", f"sha256:{'0' * 64}", text, count=1),
    )
    tree.is_tagged()

    done = tree.release()

    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
