"""Django's entry to the package."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FaceAuthConfig(AppConfig):
    """The app that a site lists as `django_faceauth`."""

    name = "django_faceauth"
    label = "faceauth"
    verbose_name = _("Face authentication")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Wire up what may only be imported once models are ready."""
        import_module("django_faceauth.checks")
        import_module("django_faceauth.receivers")
