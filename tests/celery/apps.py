"""What each process of the site does at its start."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Sends tasks through the Celery app, and writes down what signals tell."""

    name = "tests.celery"
    label = "tests_celery"

    def ready(self) -> None:
        import_module("tests.celery.app")
        import_module("tests.celery.told")
