"""Find the tasks of the runner that the site chose."""

from __future__ import annotations

from types import ModuleType

from django_faceauth.conf import conf


def tasks() -> ModuleType | None:
    """Return the module of the site's tasks, or None; raises if it cannot be imported."""
    if conf.RUNNER == "celery":
        # Celery is heavy, and many sites have none.
        from django_faceauth import tasks

        return tasks
    if conf.RUNNER == "tasks":
        # Needs Django 6.0 or django-tasks, and a backend.
        from django_faceauth import django_tasks

        return django_tasks
    return None
