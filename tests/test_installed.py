"""The tests meet the package that they are meant for."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import django_faceauth

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
ROOT = Path(__file__).parent.parent


def test_the_package_is_the_one_beside_the_tests_or_the_installed_one():
    """`tox -e …-wheel` says that it is the installed one, and runs where there is no other."""
    is_installed = os.environ.get("FACEAUTH_TEST_PACKAGE") == "installed"
    expected = SITE_PACKAGES if is_installed else ROOT

    assert Path(django_faceauth.__file__).parent == expected / "django_faceauth"
