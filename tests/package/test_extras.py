"""The wheel in an empty environment, with nothing and with each extra.

What an extra promises can be imported with it, and the site around is as sound as without.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib

import pytest

from tests.package.conftest import ROOT
from tests.package.place import Place, place
from tests.test_architecture import ONLY_IN, module_of, room_of, sources

#: What comes along with the package alone: its three dependencies, and theirs.
ALONE = {"asgiref", "certifi", "charset-normalizer", "django", "django-faceauth", "idna"} | {
    "requests",
    "sqlparse",
    "urllib3",
}
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
        "modules": ["django_faceauth.api.autoschema"],
        "urls": ["django_faceauth.api.urls"],
    },
    "postgresql": {"modules": ["django.db.backends.postgresql.base"]},
    "progress": {"modules": ["tqdm"]},
    "prometheus": {"modules": ["django_faceauth.prometheus"]},
}
#: Parts of the package that need more than comes along with it.
NEED_MORE = {"pytest_plugin", "testing"}.union(*ONLY_IN.values()) - ONLY_IN["requests"]
ALL = ("api", "celery", "health", "openapi", "progress", "prometheus")
PROMISED["all"] = {
    kind: sorted({name for extra in ALL for name in PROMISED[extra].get(kind, [])})
    for kind in ("apps", "modules", "urls")
}

#: A user without an applicant meets the gate.
VISIT = """
from importlib import import_module

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


def _works(at: Place, modules: list[str], **more: list[str]) -> None:
    """Make a site, and have it checked, migrated and visited."""
    at.has_site(**more)
    at.runs("-m", "django", "check", "--fail-level", "WARNING")
    at.runs("-m", "django", "migrate", "--verbosity", "0")
    at.runs("-m", "django", "makemigrations", "--check", "--dry-run", "faceauth")
    at.visits(VISIT.replace("MODULES", repr(modules)))


def test_alone(alone):
    """Django, requests and urllib3 with theirs, and no more; all the rest of it works."""
    modules = [name for name in map(module_of, sources()) if room_of(name) not in NEED_MORE]
    _works(alone, [name for name in modules if ".simulator." not in name])

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

    assert set(extras) == set(PROMISED)
    assert extras["all"] == [f"django-faceauth[{','.join(ALL)}]"]


@pytest.mark.parametrize("extra", sorted(PROMISED))
def test_with(extra, alone, wheel, tmp_path):
    """Besides what comes with the package alone, which is not brought again."""
    if extra == "mysql" and not _can_build_for_mysql() and not os.environ.get("CI"):
        pytest.skip("the extra mysql needs the headers of MariaDB or MySQL, and pkg-config")
    more = place(tmp_path)
    more.knows(alone)
    more.gets(f"django-faceauth[{extra}] @ {wheel.as_uri()}")

    if PROMISED[extra].keys() == {"modules"}:  # the site is the one of `test_alone`
        more.has_site()
        more.visits("".join(f"import {module}\n" for module in PROMISED[extra]["modules"]))
    else:
        _works(more, **PROMISED[extra])


def _can_build_for_mysql() -> bool:
    if shutil.which("pkg-config") is None:
        return False
    names = ("mysqlclient", "mariadb", "libmariadb")
    return any(subprocess.run(["pkg-config", "--exists", name]).returncode == 0 for name in names)
