"""What we promise about releases is written down, and the code can keep it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django_faceauth.deprecation import REMOVED_SETTINGS, warn

import django_faceauth
from django_faceauth.checks import TAG
from django_faceauth.conf import KNOWN
from django_faceauth.exceptions import FaceAuthDeprecationWarning

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "SECURITY.md").read_text()
POLICIES = (ROOT / "docs" / "reference" / "policies.md").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# -- SECURITY.md


@pytest.mark.parametrize(
    "promise",
    [
        "in private",
        "within 3 working days",
        "within 90 days",
        "advisory",
        "legal action",
    ],
)
def test_it_is_said_how_a_vulnerability_is_reported(promise):
    """Q-01."""
    assert promise in SECURITY


def test_the_newest_minor_release_gets_security_fixes():
    """Q-01: the table has the version of this tree."""
    minor = ".".join(django_faceauth.__version__.split(".")[:2])

    assert f"| {minor} | yes |" in SECURITY
    assert "| older | no |" in SECURITY


# -- versions


def test_the_policy_names_the_versions_that_the_package_is_declared_for():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    pythons = [one.rpartition(" ")[2] for one in classifiers if "Python :: 3." in one]
    djangos = [one.rpartition(" ")[2] for one in classifiers if "Django :: " in one]

    assert f"| Python | {', '.join(pythons)} |" in POLICIES
    assert f"| Django | {', '.join(djangos)} |" in POLICIES.replace("5.2 LTS", "5.2")


# -- the changelog


def test_the_changelog_has_sections_of_known_kinds():
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.M)) <= KINDS


def test_each_release_in_the_changelog_has_a_version_and_a_day():
    first, *others = re.findall(r"^## (.+)$", CHANGELOG, re.M)

    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", one) for one in others)
    assert first == "Unreleased" or first.startswith(f"{django_faceauth.__version__} - ")


# -- what goes away


def _old_name() -> None:
    warn("`old_name`", gone_in="0.4", instead="Use `new_name`.")


def test_a_warning_points_at_the_line_that_uses_what_goes_away():
    """And it is one that Python shows in tests only."""
    with pytest.warns(FaceAuthDeprecationWarning) as caught:
        _old_name()

    assert caught[0].filename == __file__
    assert str(caught[0].message) == (
        "`old_name` is deprecated and will be gone in django-faceauth 0.4. Use `new_name`."
    )
    assert issubclass(FaceAuthDeprecationWarning, DeprecationWarning)


def test_a_setting_of_a_former_release_is_an_error_that_says_what_to_do(monkeypatch):
    """It is a table, which this release begins with."""
    monkeypatch.setitem(REMOVED_SETTINGS, "FRESHNESS", "Use FACEAUTH_MAX_AGE.")

    with override_settings(FACEAUTH_FRESHNESS=300):
        (message,) = run_checks(tags=[TAG])

    assert (message.id, message.hint) == ("faceauth.E002", "Use FACEAUTH_MAX_AGE.")


def test_what_is_in_the_table_is_no_setting():
    assert not set(REMOVED_SETTINGS) & KNOWN
