"""Findings of the system checks about gates of an API."""

from __future__ import annotations

from types import ModuleType

from django.core.checks import run_checks
from django.test import override_settings
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated

from django_faceauth.api.permissions import FaceRequired, require_face
from django_faceauth.checks import TAG
from tests.site.api import Payments, Secret
from tests.test_checks import addresses, found, where

API = "django_faceauth.api.urls"


def test_an_api_for_some_methods_leaves_no_other_way():
    """Of a view set those methods that it has at this address."""
    gate = {"permission_classes": [IsAuthenticated & require_face(methods=["GET"])]}
    one = Payments.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}, **gate)

    with addresses(path("one/", one), path("two/", type("View", (Secret,), gate).as_view())):
        messages = [one.msg for one in run_checks(tags=[TAG]) if one.id == "faceauth.W007"]

    assert messages == [
        "The gate at /one/ leaves DELETE, POST open.",
        "The gate at /two/ leaves DELETE, PATCH, POST, PUT open.",
    ]


def test_attributes_of_an_api_view_that_make_no_gate_are_reported():
    view = type("View", (Secret,), {"permission_classes": [FaceRequired], "face_max_age": -1})

    with addresses(path("gate/", view.as_view())):
        assert where("E012") == {"/gate/"}


def test_an_api_with_a_gate_needs_ours_and_ours_the_pages():
    with addresses(path("gate/", Secret.as_view())):
        assert where("W009") == {"/gate/"}
    with addresses(path("gate/", Secret.as_view()), path("api/", include(API))):
        assert where("W009") == set()
    module = ModuleType("addresses")
    module.urlpatterns = [path("api/", include(API))]
    with override_settings(ROOT_URLCONF=module):
        assert "faceauth.E010" in {message.id for message in run_checks(tags=[TAG])}


def test_a_site_whose_gates_are_all_of_the_api_needs_no_login_page():
    """API clients are not sent to log in."""
    with (
        addresses(path("gate/", Secret.as_view())),
        override_settings(LOGIN_URL="/accounts/login/"),
    ):
        assert found() == ["W009"]
