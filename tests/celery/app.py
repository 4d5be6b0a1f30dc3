"""The Celery app of the site, with a schedule to which that of the package is added."""

from __future__ import annotations

import os

from celery import Celery

from django_faceauth.beat import FACEAUTH_BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.celery.settings")

app = Celery("tests")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

OWN_SCHEDULE = {"own": {"task": "tests.celery.own", "schedule": 3600.0}}

app.conf.beat_schedule = {**OWN_SCHEDULE, **FACEAUTH_BEAT_SCHEDULE}
