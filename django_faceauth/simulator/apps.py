"""The app configuration of the simulator."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SimulatorConfig(AppConfig):
    """The app that a site lists as `django_faceauth.simulator`."""

    name = "django_faceauth.simulator"
    label = "faceauth_simulator"
    verbose_name = _("Face authentication simulator")
    default_auto_field = "django.db.models.BigAutoField"
