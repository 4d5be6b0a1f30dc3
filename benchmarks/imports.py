"""Start of a site's process with the package against the same without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measuring import Figure, milliseconds

#: Not every process needs these, and none of them at its start.
LATER = {
    *("celery", "django_tasks", "drf_spectacular", "health_check", "kombu"),
    *("prometheus_client", "pytest", "requests", "rest_framework", "tqdm", "urllib3"),
}

#: A site with Django's admin, until all URLs are loaded, as checks and the first request need
#: them. It has imported what any site with a page and a form has.
SITE = """
import json, sys
from time import process_time

begun = process_time()

import django
from django.conf import settings
from django.urls import include, path

django_apps = ("admin", "auth", "contenttypes", "messages", "sessions")
settings.configure(
    SECRET_KEY="only-for-benchmarks",
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in django_apps), *sys.argv[1:]],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="__main__",
    USE_TZ=True,
)
django.setup()

from django.contrib import admin
from django.contrib.auth import views
from django.contrib.sessions.backends import db
from django.urls import get_resolver
from django.views import generic

urlpatterns = [path("admin/", admin.site.urls)]
urlpatterns += [path("face/", include(f"{app}.urls")) for app in sys.argv[1:]]
len(get_resolver().url_patterns)
print(json.dumps([process_time() - begun, sorted(sys.modules)]))
"""


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield what the package adds to the start, and what must not be imported then.

    Of each kind of process, started in turns, the quickest one counts, since other work of the
    machine can only make it slower.
    """
    _start("django_faceauth")  # compiles
    pairs = [(_start("django_faceauth"), _start()) for _ in range(5 if quick else 40)]
    ours, reference = (min(seconds for seconds, _ in side) for side in zip(*pairs, strict=True))
    what, shown = (
        "start, ms over Django and its admin",
        (milliseconds(ours), milliseconds(reference)),
    )
    yield Figure(what, *shown, (ours - reference) * 1000, most=30)
    early = {name.partition(".")[0] for name in pairs[0][0][1]} & LATER
    what = f"imported too early: {', '.join(sorted(early)) or 'nothing'}"
    yield Figure(what, str(len(early)), value=len(early), most=0)


def _start(*apps: str) -> tuple[float, list[str]]:
    """Return the processor time of a process until it could answer, and its modules."""
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", SITE, *apps]
    process = subprocess.run(command, env=environment, capture_output=True, check=True)  # noqa: S603 - ours
    seconds, modules = json.loads(process.stdout)
    return seconds, modules
