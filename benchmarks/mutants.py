"""`python -m benchmarks.mutants [MUTANT …]`: do the tests notice when the gate is changed?

mutmut changes the code, one thing at a time, and runs the tests that come by. It works in
a copy of this tree, where what was found stays: start it again to go on, and to try again
what survived. With names, such as `'*decision*'`, only these are tried.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

TREE: Final = Path(__file__).resolve().parent.parent
COPY: Final = Path(os.environ.get("MUTANTS", f"{gettempdir()}/faceauth-mutants-{os.getuid()}"))
COPIED: Final = ("benchmarks", "django_faceauth", "tests", "pyproject.toml")
LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.sqlite3*")

MODULES: Final = (
    "django_faceauth/gate/decision.py",
    "django_faceauth/gate/policy.py",
    "django_faceauth/gate/decorators.py",
    "django_faceauth/services/binding.py",
    "django_faceauth/services/grants.py",
    "django_faceauth/services/questions.py",
    "django_faceauth/services/revocation.py",
    "django_faceauth/models/standing.py",
)
TESTS: Final = (
    "tests/api/test_permission.py",
    "tests/api/test_seats.py",
    "tests/services/test_binding.py",
    "tests/services/test_sessions.py",
    "tests/pages/test_way_back.py",
    "tests/gate/test_authorization.py",
    "tests/gate/test_bound.py",
    "tests/gate/test_exemptions.py",
    "tests/gate/test_fallback.py",
    "tests/gate/test_gate.py",
    "tests/gate/test_impersonation.py",
    "tests/gate/test_log.py",
    "tests/gate/test_properties.py",
    "tests/gate/test_revocation.py",
    "tests/webhooks/test_processing.py",
)
PYTEST: Final = ("-p", "benchmarks.mutants_plugin", "--nomigrations", "--hypothesis-seed=0")

#: What `make types` refuses never gets to a test.
TYPES: Final = (
    *("-m", "mypy", "django_faceauth", "--output", "json"),
    *("--disable-error-code", "unused-ignore", "--disable-error-code", "no-any-return"),
    *("--disable-error-code", "no-overload-impl", "--disable-error-code", "no-redef"),
)
#: The words of an error, and what is written to the log.
NOT_CHANGED: Final = (r"^\s*raise \w+\(", r"logger\.\w+\(", r"metrics\.count\(")

#: mutmut does not look behind decorators.
PROPERTY: Final = re.compile(r"    @property\n    def (\w+)(\(.*\n(?:(?: {8}.*)?\n)+)")
CACHED: Final = re.compile(r"@cache\ndef (\w+)(\(.*\n(?:(?: {4}.*)?\n)+)")

DONE: Final = frozenset({"killed", "refused by mypy"})
OUTCOMES: Final = {0: "survived", 33: "no tests", 37: "refused by mypy"}


def main() -> int:
    """Copy, run, and say how many were killed."""
    _copy()
    _forget_survivors()
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *sys.argv[1:]]
    code = subprocess.run(command, cwd=COPY, check=False).returncode  # noqa: S603
    _say()
    return code


def _copy() -> None:
    COPY.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source, target = TREE / name, COPY / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, target)
    for name in MODULES:
        module = COPY / name
        text = PROPERTY.sub(r"    def its_\1\2    \1 = property(its_\1)\n\n", module.read_text())
        module.write_text(CACHED.sub(r"def uncached\1\2\1 = cache(uncached\1)\n\n\n", text))
        shutil.copystat(TREE / name, module)
    project = COPY / "pyproject.toml"
    # mutmut writes comments that this would refuse.
    text = project.read_text().replace('"ignore-without-code", ', "")
    project.write_text(text + _configuration())


def _configuration() -> str:
    settings = {
        "source_paths": ["django_faceauth"],
        "only_mutate": [*MODULES],
        "do_not_mutate_patterns": [*NOT_CHANGED],
        "also_copy": ["benchmarks"],
        "pytest_add_cli_args": [*PYTEST],
        "pytest_add_cli_args_test_selection": ["-p", "no:randomly", *TESTS],
        "type_check_command": [sys.executable, *TYPES],
        "use_git_change_detection": False,
    }
    lines = (f"{name} = {_toml(value)}\n" for name, value in settings.items())
    return "\n[tool.mutmut]\n" + "".join(lines)


def _toml(value: list[str] | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "[" + ", ".join(f"'{item}'" for item in value) + "]"


def _say() -> None:
    left = []
    for name in MODULES:
        results = {key: _outcome(code) for key, code in _results(name).items()}
        count = Counter(results.values())
        said = ", ".join(f"{count[outcome]} {outcome}" for outcome in sorted(count))
        sys.stdout.write(f"{name}: {count.total()} mutants, {said}\n")
        left += [key for key, outcome in results.items() if outcome not in DONE]
    sys.stdout.write(f"\nTo read one: cd {COPY} && {sys.executable} -m mutmut show NAME\n")
    sys.stdout.write("".join(f"{name}\n" for name in left))


def _results(name: str) -> dict[str, int | None]:
    meta = COPY / "mutants" / f"{name}.meta"
    found: dict[str, Any] = json.loads(meta.read_text()) if meta.exists() else {}
    results: dict[str, int | None] = found.get("exit_code_by_key", {})
    return results


def _forget_survivors() -> None:
    """Tests that were written since may kill them."""
    for name in MODULES:
        results = _results(name)
        if not results:
            continue
        meta = COPY / "mutants" / f"{name}.meta"
        kept = {key: code or None for key, code in results.items()}
        meta.write_text(json.dumps(json.loads(meta.read_text()) | {"exit_code_by_key": kept}))


def _outcome(code: int | None) -> str:
    return "not tried" if code is None else OUTCOMES.get(code, "killed")


if __name__ == "__main__":
    sys.exit(main())
