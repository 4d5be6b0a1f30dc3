"""Addresses that a test gives to the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from django.apps import apps
from django.test import override_settings
from django.urls import URLPattern, URLResolver, include, path


@contextmanager
def served(*patterns: URLPattern | URLResolver) -> Iterator[None]:
    """Give the site these addresses, and ours."""
    urls = ModuleType("urls")
    urls.urlpatterns = [
        *patterns,
        path("face/", include("django_faceauth.urls")),
        path("simulator/", include("django_faceauth.simulator.urls")),
    ]
    if apps.is_installed("rest_framework"):
        urls.urlpatterns.append(path("face/api/", include("django_faceauth.api.urls")))
    with override_settings(ROOT_URLCONF=urls):
        yield
