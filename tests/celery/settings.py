"""Settings of a site whose parts are processes of their own: server, workers and beat."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, env

DEBUG = True  # the provider is a simulator on loopback, over plain HTTP
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
INSTALLED_APPS = [*INSTALLED_APPS, "tests.celery"]

FACEAUTH_BASE_URL = f"http://127.0.0.1:{env.int('SITE_PORT')}/simulator"
FACEAUTH_RUNNER = env.str("SITE_RUNNER")
FACEAUTH_POLL_RATE = 99
# The chaos may go on for so long.
FACEAUTH_MAX_AGE = FACEAUTH_CAPTURE_WINDOW = 3600
# One person starts them all.
FACEAUTH_RATE_LIMITS = {"unsuccessful": [], "unsuccessful_session": [], "successful": []}
FACEAUTH_SIMULATOR_CHECK_SECONDS = 0

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = env.str("SITE_QUEUE")
if CELERY_BROKER_URL.startswith("redis:"):
    # So that all keys of a run can be found, and deleted.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": CELERY_TASK_DEFAULT_QUEUE}
