"""What a process of the site pays for the package before its first request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, milliseconds

#: Milliseconds of processor time over what the site needs anyway.
BUDGET = 30
#: Made use of later than at the start, and not by every process.
LATER = {
    "celery",
    "drf_spectacular",
    "health_check",
    "kombu",
    "prometheus_client",
    "pytest",
    "requests",
    "rest_framework",
    "tqdm",
    "urllib3",
}

#: A site with Django's admin, until the addresses are known: all of them, as checks and the first
#: request need them. It has imported what any site with a page and a form has.
SITE = """
import json, sys
from time import process_time

begun = process_time()

import django
from django.conf import settings
from django.urls import include, path

settings.configure(
    SECRET_KEY="only-for-benchmarks",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        *sys.argv[1:],
    ],
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
    """Yield what the package adds to the start of a process, and what must not come along.

    Each start is a process of its own, with the package and without it in turns; of each kind
    the quickest one counts, since whatever else the machine does can only make it slower.
    """
    times = 5 if quick else 40
    with TemporaryDirectory() as compiled:
        _start(compiled, "django_faceauth")  # compiles
        pairs = [(_start(compiled, "django_faceauth"), _start(compiled)) for _ in range(times)]
    ours, reference = (min(seconds for seconds, _ in side) for side in zip(*pairs, strict=True))
    shown = milliseconds(ours), milliseconds(reference)
    more = (ours - reference) * 1000
    yield Figure("start of a process, ms over Django and its admin", *shown, more, most=BUDGET)
    yield Figure("start of a process, against without", *shown, ours / reference)
    loaded = {name.partition(".")[0] for name in pairs[0][0][1]}
    early = loaded & LATER
    what = f"imported before its time: {', '.join(sorted(early)) or 'nothing'}"
    yield Figure(what, str(len(early)), value=len(early), most=0)


def _start(compiled: str, *apps: str) -> tuple[float, list[str]]:
    """Return the processor time that a process took until it could answer, and its modules."""
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", SITE, *apps], env=environment, capture_output=True, check=True
    )
    seconds, modules = json.loads(done.stdout)
    return seconds, modules
