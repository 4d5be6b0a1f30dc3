"""The files of a release: distributions, what comes along with them, and sums of it all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from release.guards import Refused, git

#: What builds, in exact versions and with the sums of their files (Q-03).
BUILDERS = Path(__file__).parent / "requirements.txt"
SUMS = "SHA256SUMS"


def distributions(tree: Path, target: Path) -> list[Path]:
    """Build the wheel and the source distribution, twice; raise `Refused` if they differ.

    They are built of what is committed, elsewhere: nothing that lies about gets in.
    """
    moment = git(tree, "log", "-1", "--format=%ct")
    with TemporaryDirectory() as folder:
        builder = environment(Path(folder) / "builder", "--require-hashes", "-r", BUILDERS)
        places = [Path(folder) / name for name in ("first", "second")]
        first, second = (_build(tree, place, builder, moment) for place in places)
        if _sums(first) != _sums(second):
            raise Refused("Two builds are not the same.")
        return [Path(shutil.move(one, target)) for one in first]


def _build(tree: Path, folder: Path, builder: Path, moment: str) -> list[Path]:
    command = ["git", "-C", str(tree), "archive", "HEAD"]
    committed = subprocess.run(command, capture_output=True, check=True)
    with tarfile.open(fileobj=BytesIO(committed.stdout)) as archive:
        archive.extractall(folder / "tree", filter="data")
    build: list[str | Path] = [builder, "-m", "hatchling", "build", "--directory", folder / "dist"]
    call(build, folder / "tree", {"SOURCE_DATE_EPOCH": moment})
    return sorted((folder / "dist").iterdir())


def environment(folder: Path, *requirements: str | Path) -> Path:
    """Install something into an empty environment; return its Python."""
    venv.create(folder)
    python = folder / "bin" / "python"
    run("pip", "--python", python, "install", "--quiet", *requirements)
    return python


def run(module: str, *arguments: str | Path, **variables: str) -> None:
    """Run a module of this environment."""
    call([sys.executable, "-m", module, *arguments], Path.cwd(), variables)


def call(command: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> None:
    """Run a command in a folder; raise `Refused` with what it says when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command[:4]))} says:\n{done.stdout}{done.stderr}")


def bill_of_materials(tree: Path, python: Path, target: Path, moment: str) -> Path:
    """Write what an environment holds, in exact versions, in the format of CycloneDX."""
    run(
        "cyclonedx_py",
        "environment",
        "--pyproject",
        tree / "pyproject.toml",
        "--mc-type",
        "library",
        "--output-reproducible",
        "--output-file",
        target,
        python,
        SOURCE_DATE_EPOCH=moment,
    )
    return target


def audit(python: Path) -> None:
    """Ask whether any of what an environment holds has a known vulnerability; needs a network."""
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    # Our own version is not published yet, so that nobody can know of it.
    run("pip_audit", "--path", packages, "--skip-editable", "--progress-spinner", "off")


def sums(files: list[Path], target: Path) -> Path:
    """Write the sums of files, as `sha256sum --check` reads them."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(_sums(files).items()))
    target.write_text("".join(lines))
    return target


def _sums(files: list[Path]) -> dict[str, str]:
    return {one.name: sha256(one.read_bytes()).hexdigest() for one in files}
