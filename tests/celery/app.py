"""The Celery app of the site."""

from __future__ import annotations

import os

from celery import Celery

from django_faceauth.beat import FACEAUTH_BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.celery.settings")

app = Celery("tests")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = FACEAUTH_BEAT_SCHEDULE
