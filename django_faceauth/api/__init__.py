"""The API: `path("face/api/", include("django_faceauth.api.urls"))`, and a permission class.

The only importer of Django REST framework, which comes with `django-faceauth[api]`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import rest_framework.views


def describe() -> None:
    """Tell drf-spectacular, where a site has it, what our endpoints and its gates answer.

    Not while REST framework is still being imported: it reads DEFAULT_PERMISSION_CLASSES then,
    which may name ours. The addresses of the API call this again.
    """
    if hasattr(rest_framework, "views") and find_spec("drf_spectacular"):
        import_module("django_faceauth.api.openapi")


describe()
