"""The OpenAPI schema of our endpoints, and of a site's own behind a gate."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.test import APIRequestFactory, force_authenticate

import tests.api.own
import tests.site.api
from django_faceauth.models import FaceChallenge
from tests.api.seeded import BEHIND_A_GATE
from tests.api_client import Program

ROOT = Path(__file__).parent.parent.parent
COMMITTED = ROOT / "docs" / "reference" / "openapi.yaml"
PROBLEM = "application/problem+json"

#: The operations of the test site that ask for a face.
GATED = {
    *((method, path) for path in ("/secret/", "/staff/", "/staff-or-face/") for method in "gpuld"),
    *((method, "/function/") for method in "gp"),
    ("p", "/attributed/"),
    ("p", "/described/class/"),
    ("p", "/described/function/"),
    ("g", "/opened/"),
    ("d", "/payments/{id}/"),
    ("p", "/payments/{id}/pay/"),
    ("d", "/described/payments/{id}/"),
    ("p", "/described/payments/{id}/pay/"),
}
METHODS = {"get": "g", "post": "p", "put": "u", "patch": "l", "delete": "d"}


@cache
def committed() -> dict[str, Any]:
    schema: dict[str, Any] = yaml.safe_load(COMMITTED.read_text())
    return schema


def schema_of(patterns: list[Any], **values: Any) -> dict[str, Any]:
    with patched_settings({"DISABLE_ERRORS_AND_WARNINGS": True, **values}):
        schema: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(public=True)
    return schema


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        yield from ((method, path, operation) for method, operation in item.items())


def of_the_site(**values: Any) -> dict[str, Any]:
    return schema_of(tests.site.api.urlpatterns, **values)


def asks_for_a_face(operation: dict[str, Any]) -> bool:
    media = operation["responses"].get("401", {}).get("content", {}).get(PROBLEM, {})
    return "FaceRequired" in json.dumps(media.get("schema", {}))


def test_the_schema_of_the_documentation_is_that_of_the_code(tmp_path):
    made = tmp_path / "openapi.yaml"
    call_command(
        "spectacular",
        urlconf=tests.api.own.__name__,
        custom_settings=f"{tests.api.own.__name__}.SETTINGS",
        file=str(made),
        validate=True,
        fail_on_warn=True,
    )

    assert outline(committed()) == outline(yaml.safe_load(made.read_text())), "make schema"
    assert all("Face" in name for name in committed()["components"]["schemas"])


def outline(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what clients rely on, without descriptions."""
    components = schema["components"]["schemas"]
    return {
        "operations": {
            (method, path): sorted(operation["responses"])
            for method, path, operation in operations(schema)
        },
        "components": {name: sorted(it.get("properties", ())) for name, it in components.items()},
    }


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_both_versions_of_openapi_are_valid(version):
    with patched_settings({"OAS_VERSION": version}):
        validate_schema(schema_of(tests.api.own.urlpatterns, OAS_VERSION=version))


def test_operations_behind_a_gate_say_so_and_no_others():
    asking = {
        (METHODS[m], path) for m, path, it in operations(of_the_site()) if asks_for_a_face(it)
    }

    assert asking == GATED


def test_what_an_operation_behind_a_gate_says(settings):
    settings.FACEAUTH_MAX_AGE = 240
    paths = of_the_site()["paths"]
    operation = paths["/secret/"]["get"]

    (named,) = operation["parameters"]
    assert (named["name"], named["in"]) == ("Face-Challenge", "header")
    assert "required" not in named
    asked = operation["responses"]["401"]
    assert asked["description"].endswith('the action "secret" and a `max_age` of 180.')
    assert "WWW-Authenticate" in asked["headers"]
    media = asked["content"][PROBLEM]
    assert media["schema"] == {"$ref": "#/components/schemas/FaceRequired"}
    assert {"403", "409"} <= set(operation["responses"])
    by_default = paths["/function/"]["get"]["responses"]["401"]
    assert by_default["description"].endswith("`max_age` of 240.")


def test_an_operation_answers_as_its_schema_says(person):
    answer = Program.with_session(person).calls("get", BEHIND_A_GATE)

    components = of_the_site(OAS_VERSION="3.1.0")["components"]
    asked = {"$ref": "#/components/schemas/FaceRequired", "components": components}
    jsonschema.validate(answer.json(), asked)


def test_reading_a_schema_that_is_not_public_needs_no_face(person):
    """It has what the user may use, with the gate in it, whatever the gate binds."""
    view = SpectacularAPIView.as_view(
        serve_public=False,
        patterns=tests.site.api.urlpatterns,
        permission_classes=[IsAuthenticated],
        custom_settings={"DISABLE_ERRORS_AND_WARNINGS": True},
    )
    request = APIRequestFactory().get("/schema/")
    force_authenticate(request, person.user)

    schema = view(request).data

    assert "/payments/{id}/pay/" in schema["paths"]
    assert asks_for_a_face(schema["paths"]["/secret/"]["get"])
    assert "/staff/" not in schema["paths"]
    assert not FaceChallenge.objects.exists()


#: Run in a process of its own: the permission is imported while Django REST framework is.
BY_DEFAULT = """
import os, django
from django.conf import settings
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
    "DEFAULT_PERMISSION_CLASSES": ["django_faceauth.api.permissions.FaceRequired"]
}
django.setup()
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.response import Response
from rest_framework.views import APIView

class Everything(APIView):
    def delete(self, request):
        return Response()

patterns = [path("x/", Everything.as_view()), path("api/", include("django_faceauth.api.urls"))]
schema = SchemaGenerator(patterns=patterns).get_schema(public=True)
print(schema["paths"]["/x/"]["delete"]["responses"]["401"]["content"])
"""


def test_a_gate_before_every_view_by_default_is_described():
    done = subprocess.run(
        [sys.executable, "-c", BY_DEFAULT], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "FaceRequired" in done.stdout
