"""How the files of a release came about, for whoever signs them.

An in-toto statement (https://in-toto.io/Statement/v1) with a SLSA provenance predicate
(https://slsa.dev/provenance/v1). It is not signed here: a signature is the publisher's.
"""

from __future__ import annotations

import json
import platform
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from release.artefacts import BUILDERS
from release.guards import git

BUILD_TYPE = "urn:django-faceauth:release:1"
BUILDER = "urn:django-faceauth:make-release"
PINNED = re.compile(r"^([\w.-]+)==(\S+) \\\n +--hash=sha256:(\w+)$", re.M)


def statement(tree: Path, version: str, files: list[Path], source: str) -> dict[str, Any]:
    """Return what is to be signed; `source` is the public address of the repository."""
    tag = f"refs/tags/v{version}"
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [_subject(path) for path in sorted(files)],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"source": source, "ref": tag},
                "internalParameters": {
                    "SOURCE_DATE_EPOCH": git(tree, "log", "-1", "--format=%ct"),
                    "python": platform.python_version(),
                    "system": platform.system(),
                },
                "resolvedDependencies": [_commit(tree, source, tag), *_builders()],
            },
            "runDetails": {"builder": {"id": BUILDER}},
        },
    }


def write(told: dict[str, Any], target: Path) -> Path:
    """Write a statement."""
    target.write_text(json.dumps(told, indent=2) + "\n")
    return target


def _subject(path: Path) -> dict[str, Any]:
    return {"name": path.name, "digest": {"sha256": sha256(path.read_bytes()).hexdigest()}}


def _commit(tree: Path, source: str, tag: str) -> dict[str, Any]:
    return {"uri": f"git+{source}@{tag}", "digest": {"gitCommit": git(tree, "rev-parse", "HEAD")}}


def _builders() -> list[dict[str, Any]]:
    pinned = PINNED.findall(BUILDERS.read_text())
    return [
        {"uri": f"pkg:pypi/{name}@{version}", "digest": {"sha256": digest}}
        for name, version, digest in pinned
    ]
