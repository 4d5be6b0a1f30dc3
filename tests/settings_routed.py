"""The suite's settings with the tables in a database that is not `default`."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, env

LAYOUT = env.str("FACEAUTH_TEST_LAYOUT")
FOLDER = env.str("FACEAUTH_TEST_FOLDER")

ours = dict(DATABASES["default"])
ours.pop("TEST", None)
if ours["ENGINE"] == "django.db.backends.sqlite3":
    ours["NAME"] = f"{FOLDER}/ours.sqlite3"
aside = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{FOLDER}/aside.sqlite3"}

DATABASES = {
    "empty": {"default": {}, "ours": ours},
    "other": {"default": aside, "ours": ours},
    "replica": {"default": ours, "replica": aside},
}[LAYOUT]
DATABASE_ROUTERS = [
    "tests.routing.routers.Late" if LAYOUT == "replica" else "tests.routing.routers.Ours"
]
