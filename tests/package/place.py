"""An empty environment on this machine, and a small site in it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent.parent / "constraints.txt"
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
        """Have pip install something, in the versions of constraints.txt."""
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        subprocess.run([*command, "--constraint", CONSTRAINTS, *requirements], check=True)

    def knows(self, other: Place) -> None:
        """Have it see what another one has, so that pip need not bring it twice."""
        packages = next(self.folder.glob("lib/python*/site-packages"))
        theirs = next(other.folder.glob("lib/python*/site-packages"))
        (packages / "other.pth").write_text(f"{theirs}\n")

    def has_site(self, *, apps: Sequence[str] = (), urls: Sequence[str] = ()) -> None:
        """Write a site with these apps, and with these addresses below `face/api/`."""
        (self.folder / "settings.py").write_text(SETTINGS.replace("APPS\n", f"{list(apps)}\n", 1))
        (self.folder / "urls.py").write_text(URLS.replace("MORE", repr(list(urls))))

    def visits(self, script: str) -> None:
        """Run a script with that site set up."""
        (self.folder / "visit.py").write_text(f"import django\n\ndjango.setup()\n{script}")
        self.runs("visit.py")


def place(folder: Path) -> Place:
    """Return an empty environment, which even lacks pip."""
    venv.create(folder)
    return Place(folder)
