"""What pytest finds in a project that has this package installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs_parser import DOCS, code_blocks
from tests.package.conftest import ROOT

#: Everything that states need; the simulator needs one app more.
SETTINGS = """
from tests.settings import *

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
FACEAUTH_SIMULATOR_ENABLED = False
FACEAUTH_SECRET_KEY = ""
"""
OPTIONS = ("-p", "no:cacheprovider", "-p", "no:randomly", "--color=no")
TRUSTED = ("PATH", "HOME", "PYTHONDEVMODE", "LANG", "LC_ALL", "TMPDIR")
WITHOUT_DJANGO = """
import sys

def test_nothing_was_imported():
    ours = {name for name in sys.modules if name.startswith("django_faceauth")}
    assert ours == {"django_faceauth", "django_faceauth.pytest_plugin"}
    assert not {"django", "requests"} & set(sys.modules)
"""
OF_A_SITE = """
import pytest
from django.conf import settings
from django.contrib.auth.models import User

@pytest.fixture
def client(client):
    client.force_login(User.objects.create_user("anna"))
    return client

@pytest.mark.django_db
def test_a_state(client, faceauth):
    faceauth.face_shown(client, action="payout", ago=20)
    assert client.get("/payout/").status_code == 200

@pytest.mark.django_db
def test_the_simulator(client, faceauth, faceauth_simulator):
    faceauth.enrolled(User.objects.get())
    page = faceauth_simulator.show_face(client, "/statements/")
    assert page.content.startswith(b"secret")

def test_the_simulator_is_gone():
    assert settings.FACEAUTH_SIMULATOR_ENABLED is False
    assert settings.FACEAUTH_SECRET_KEY == ""

def test_gates(faceauth):
    faceauth.assert_gated("/payout/", except_=["/payout/form/"])

@pytest.mark.django_db
def test_a_removed_gate(client, faceauth):
    faceauth.assert_gated("/home/")

def test_the_database_is_not_asked_for(client, faceauth):
    pass
"""
WITHOUT_SIMULATOR = """
import pytest

@pytest.mark.django_db
def test_a_state(admin_client, faceauth):
    faceauth.face_shown(admin_client)
    assert admin_client.get("/statements/").status_code == 200

@pytest.mark.django_db
def test_the_simulator(faceauth_simulator):
    pass
"""
NO_SIMULATOR = """
INSTALLED_APPS = [app for app in INSTALLED_APPS if "simulator" not in app]
ROOT_URLCONF = "addresses"
"""
ADDRESSES = """
from tests.site.urls import urlpatterns
urlpatterns = [one for one in urlpatterns if "simulator" not in str(one.pattern)]
"""
#: What the page about tests adds is not there before.
BEFORE = """
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "django_faceauth.simulator"]
FACEAUTH_WEBHOOK_SECRET_KEYS = []
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with tests."""

    folder: Path

    def has(self, name: str, source: str) -> None:
        """Write a file of the project."""
        (self.folder / name).write_text(source)

    def tests(self, *options: str) -> tuple[dict[str, int], str]:
        """Run the tests; return how many passed, failed and so on, and all that was printed."""
        # As pip would say it of the wheel, also where this tree was installed before.
        _install(self.folder / "installed")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *options],
            cwd=self.folder,
            env={
                **{name: os.environ[name] for name in TRUSTED if name in os.environ},
                "PYTHONPATH": os.pathsep.join([str(self.folder / "installed"), str(ROOT)]),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        last = done.stdout.strip().rpartition("\n")[2]
        return {what: int(n) for n, what in re.findall(r"(\d+) (\w+)", last)}, told


def _install(site_packages: Path) -> None:
    given = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    info = site_packages / "adopted_faceauth-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adopted-faceauth\nVersion: 1.0\n")
    named = "".join(f"{name} = {path}\n" for name, path in given["pytest11"].items())
    (info / "entry_points.txt").write_text(f"[pytest11]\n{named}")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def site(project):
    """A project that is the test site."""
    project.has("site_settings.py", SETTINGS)
    project.has("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\npythonpath = .\n")
    return project


def test_installed_and_not_used(project):
    """Nothing of Django or of ours comes along, and no test changes."""
    project.has("test_it.py", WITHOUT_DJANGO)

    # pytest-django imports Django, and plugins of the suite's own do as they like.
    counts, told = project.tests("-p", "no:django", "-p", "no:schemathesis", "-W", "error")

    assert counts == {"passed": 1}, told


def test_fixtures_in_the_tests_of_a_site(site):
    """Good ones pass, and a removed gate fails."""
    site.has("test_it.py", OF_A_SITE)

    counts, told = site.tests()

    assert (counts["passed"], counts["failed"], counts["error"]) == (4, 1, 1), told
    assert "/home/ (tests.site.views.home): no gate stands" in told
    assert "Database access not allowed" in told


def test_a_site_without_the_simulator(site):
    """States work; what is missing is said in a sentence."""
    site.has("site_settings.py", SETTINGS + NO_SIMULATOR)
    site.has("addresses.py", ADDRESSES)
    site.has("test_it.py", WITHOUT_SIMULATOR)

    counts, told = site.tests()

    assert (counts["passed"], counts["error"]) == (1, 1), told
    assert 'add "django_faceauth.simulator" to INSTALLED_APPS in the settings' in told


def test_the_tests_of_the_how_to_page_pass(site):
    """All its code, in its order, in a project that is the test site."""
    settings, *tests = code_blocks(DOCS / "how-to/test-your-site.md")
    written = "\n\n".join(tests)
    site.has("site_settings.py", SETTINGS + BEFORE + settings)
    site.has("test_page.py", written)

    counts, told = site.tests()

    assert counts == {"passed": len(re.findall(r"^ *def test_", written, re.M))}, told
