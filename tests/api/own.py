"""The URLs that `docs/reference/openapi.yaml` describes: our endpoints alone."""

from __future__ import annotations

from django.urls import include, path

import django_faceauth

#: For `manage.py spectacular --custom-settings`.
SETTINGS = {
    "TITLE": "django-faceauth",
    "DESCRIPTION": "Endpoints with which a client passes a gate.",
    "VERSION": django_faceauth.__version__,
    "OAS_VERSION": "3.1.0",
}

urlpatterns = [path("face/api/", include("django_faceauth.api.urls"))]
