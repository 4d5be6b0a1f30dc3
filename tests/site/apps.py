"""The test site as an app."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Its tables are there in tests only."""

    name = "tests.site"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"
