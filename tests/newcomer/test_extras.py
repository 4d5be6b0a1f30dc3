"""The wheel in an empty environment, with nothing and with each extra.

What an extra promises can be imported with it, and the site around is as sound as without.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.newcomer.conftest import ROOT
from tests.test_architecture import ONLY_IN, module_of, room_of, sources

pytestmark = pytest.mark.newcomer

#: What comes along with the package alone: its three dependencies, and theirs.
ALONE = {"asgiref", "certifi", "charset-normalizer", "django", "django-faceauth", "idna"} | {
    "requests",
    "sqlparse",
    "urllib3",
}
#: For a checkout of this tree.
OURS = {"demo", "demo-full", "dev", "docs", "mutants", "types"}
#: Apps, modules and addresses that an extra lets a site have.
PROMISED: dict[str, dict[str, list[str]]] = {
    "api": {
        "apps": ["rest_framework"],
        "modules": ["django_faceauth.api.permissions"],
        "urls": ["django_faceauth.api.urls"],
    },
    "celery": {"modules": ["django_faceauth.tasks"]},
    "health": {"apps": ["health_check"], "modules": ["django_faceauth.healthcheck"]},
    "mysql": {"modules": ["django.db.backends.mysql.base"]},
    "openapi": {
        "apps": ["rest_framework", "drf_spectacular"],
        "modules": ["django_faceauth.api.openapi"],
        "urls": ["django_faceauth.api.urls"],
    },
    "postgresql": {"modules": ["django.db.backends.postgresql.base"]},
    "progress": {"modules": ["tqdm"]},
    "prometheus": {"modules": ["django_faceauth.prometheus"]},
}
#: Parts of the package that need more than comes along with it.
NEED_MORE = {"testing"}.union(*ONLY_IN.values()) - ONLY_IN["requests"]
ALL = ("api", "celery", "health", "openapi", "progress", "prometheus")
PROMISED["all"] = {
    kind: sorted({name for extra in ALL for name in PROMISED[extra].get(kind, [])})
    for kind in ("apps", "modules", "urls")
}

SETTINGS = """
SECRET_KEY = "only-for-this-test-and-long-enough-to-sign-a-token"
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_faceauth",
] + APPS
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
ROOT_URLCONF = "urls"
STATIC_URL = "static/"
LOGIN_URL = "admin:login"
USE_TZ = True
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [
    "rest_framework.authentication.SessionAuthentication",
]}
FACEAUTH_SECRET_KEY = "sk_sbox_newcomer"
FACEAUTH_USER_JOURNEY_ID = "usj_" + "a" * 26
FACEAUTH_WEBHOOK_SECRET_KEYS = ["signs-the-webhooks-of-the-newcomer"]
"""

URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path

from django_faceauth.gate import face_required


@face_required
def statements(request):
    return HttpResponse("secret")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("statements/", statements),
    path("face/", include("django_faceauth.urls")),
] + [path("face/api/", include(urls)) for urls in MORE]
"""

#: A user without an applicant meets the gate.
VISIT = """
import sys
from importlib import import_module

import django

django.setup()

from django.contrib.auth.models import User
from django.test import Client

for module in MODULES:
    import_module(module)
browser = Client()
assert browser.get("/statements/").url.startswith("/admin/login/")
browser.force_login(User.objects.create_user("alice"))
assert browser.get("/statements/").status_code == 403
assert browser.get("/face/webhook/").status_code == 405
"""


@dataclass(frozen=True)
class Place:
    """An environment, and a folder in which a site can be."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def runs(self, *arguments: str | Path) -> str:
        """Run Python in it and return what it prints."""
        mine = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DJANGO_", "FACEAUTH_", "PYTHON", "DATABASE_", "COV"))
        }
        environment = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": "."}
        done = subprocess.run(
            [self.python, "-W", "error", *arguments],
            cwd=self.folder,
            env=mine | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def gets(self, *requirements: str | Path) -> None:
        """Have pip install something."""
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        subprocess.run([*command, *requirements], check=True)

    def knows(self, other: Place) -> None:
        """Have it see what another one has, so that pip need not bring it twice."""
        packages = next(self.folder.glob("lib/python*/site-packages"))
        theirs = next(other.folder.glob("lib/python*/site-packages"))
        (packages / "other.pth").write_text(f"{theirs}\n")


def place(folder: Path) -> Place:
    """Return an empty environment, which even lacks pip."""
    venv.create(folder)
    return Place(folder)


@pytest.fixture(scope="session")
def wheel(distributions) -> Path:
    (wheel,) = distributions.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def alone(tmp_path_factory, wheel) -> Place:
    """The package without an extra."""
    alone = place(tmp_path_factory.mktemp("alone"))
    alone.gets(wheel)
    return alone


def _site(at: Place, apps: list[str], modules: list[str], urls: list[str]) -> None:
    """Make a site, and have it checked, migrated and visited."""
    (at.folder / "settings.py").write_text(SETTINGS.replace("APPS\n", f"{apps}\n", 1))
    (at.folder / "urls.py").write_text(URLS.replace("MORE", repr(urls)))
    (at.folder / "visit.py").write_text(VISIT.replace("MODULES", repr(modules)))
    at.runs("-m", "django", "check", "--fail-level", "WARNING")
    at.runs("-m", "django", "migrate", "--verbosity", "0")
    at.runs("-m", "django", "makemigrations", "--check", "--dry-run", "faceauth")
    at.runs("visit.py")


def test_alone(alone):
    """Django, requests and urllib3 with theirs, and no more; all the rest of it works."""
    modules = [name for name in map(module_of, sources()) if room_of(name) not in NEED_MORE]
    _site(alone, [], [name for name in modules if ".simulator." not in name], [])

    listed = json.loads(
        alone.runs(
            "-c",
            "import importlib.metadata as m, json;"
            "print(json.dumps([one.name.lower().replace('_', '-') for one in m.distributions()]))",
        )
    )
    assert set(listed) == ALONE


def test_extras_are_all_tried():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    assert set(extras) - OURS == set(PROMISED)
    assert extras["all"] == [f"django-faceauth[{','.join(ALL)}]"]


@pytest.mark.parametrize("extra", sorted(PROMISED))
def test_with(extra, alone, wheel, tmp_path):
    """Besides what comes with the package alone, which is not brought again."""
    if extra == "mysql" and not _can_build_for_mysql() and not os.environ.get("CI"):
        pytest.skip("the extra mysql needs the headers of MariaDB or MySQL, and pkg-config")
    more = place(tmp_path)
    more.knows(alone)
    more.gets(f"django-faceauth[{extra}] @ {wheel.as_uri()}")
    wanted = PROMISED[extra]

    _site(more, wanted.get("apps", []), wanted.get("modules", []), wanted.get("urls", []))


def _can_build_for_mysql() -> bool:
    if shutil.which("pkg-config") is None:
        return False
    names = ("mysqlclient", "mariadb", "libmariadb")
    return any(subprocess.run(["pkg-config", "--exists", name]).returncode == 0 for name in names)
