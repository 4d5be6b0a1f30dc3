"""`python -m release [--out FOLDER] [--source URL] [--offline]`, in a checkout of a tag.

Refuses whatever is not a release. Makes the wheel and the source distribution, checks them, lists
what comes along with the wheel, asks whether any of it is known to be vulnerable, and writes how
it was built, and sums of it all. Publishes and signs nothing: that is the publisher's step.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from release import artefacts, guards, provenance
from release.guards import Refused, git

TREE = Path(__file__).parent.parent


def main() -> int:
    """Make a release, or say why not; tells by the exit code which."""
    options = _parser().parse_args()
    try:
        make(options.out.resolve(), source=options.source or _origin(), is_offline=options.offline)
    except Refused as refused:
        sys.stderr.write(f"No release: {refused}\n")
        return 1
    return 0


def make(out: Path, *, source: str, is_offline: bool) -> None:
    """Write everything that is published into a folder, which is made anew."""
    version = guards.check(TREE)
    name, moment = f"django_faceauth-{version}", git(TREE, "log", "-1", "--format=%ct")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    built = artefacts.distributions(TREE, out)
    artefacts.run("twine", "check", "--strict", *built)
    with TemporaryDirectory() as folder:
        (wheel,) = (one for one in built if one.suffix == ".whl")
        python = artefacts.environment(Path(folder), wheel)
        bill = artefacts.bill_of_materials(TREE, python, out / f"{name}.cdx.json", moment)
        if is_offline:
            _say("Nobody was asked about known vulnerabilities: do not publish this.")
        else:
            artefacts.audit(python)
    told = provenance.statement(TREE, version, [*built, bill], source)
    written = provenance.write(told, out / f"{name}.provenance.json")
    artefacts.sums([*built, bill, written], out / artefacts.SUMS)
    _say(f"{version} is in {out}. Sign and publish it.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--out", type=Path, default=TREE / "dist", help="made anew (dist)")
    parser.add_argument("--source", help="public address of the repository (that of origin)")
    parser.add_argument(
        "--offline", action="store_true", help="do not ask about known vulnerabilities"
    )
    return parser


def _origin() -> str:
    """Return the address that this checkout came from, without a name or a password in it."""
    remotes = git(TREE, "remote").split()
    if "origin" not in remotes:
        raise Refused("There is no origin: say with --source where the repository is.")
    parts = urlsplit(git(TREE, "remote", "get-url", "origin"))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
