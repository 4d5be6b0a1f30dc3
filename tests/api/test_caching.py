"""Responses behind a permission stay out of caches (F-06)."""

from __future__ import annotations

import pytest
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from django_faceauth.api.permissions import require_face
from django_faceauth.models import FaceChallenge
from tests.api_client import Program
from tests.site.api import Secret
from tests.test_checks import addresses

pytestmark = pytest.mark.database

PUBLIC = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Language"}


def said(response, name="Cache-Control"):
    return {part.strip() for part in response[name].split(",")}


def page(_view, _request):
    return Response("page", headers=PUBLIC)


def missing(_view, _request):
    raise NotFound


@pytest.mark.parametrize(
    ("single_use", "get", "status", "vary"),
    [
        (False, page, 200, {"Accept-Language", "Accept"}),
        (True, page, 200, {"Accept-Language", "Accept"}),
        (False, missing, 404, {"Accept"}),
    ],
)
def test_a_response_behind_a_gate_is_kept_out_of_caches(
    program, monkeypatch, single_use, get, status, vary
):
    permission = require_face(action="secret", single_use=single_use)
    monkeypatch.setattr(Secret, "permission_classes", [permission])
    monkeypatch.setattr(Secret, "get", get)

    response = program.passes("/shop/secret/", "GET")

    assert response.status_code == status
    assert said(response) == {"private", "no-store"}
    # Another client of a token is another client.
    assert vary | ({"Face-Challenge"} if program.headers else set()) <= said(response, "Vary")


def test_cache_page_does_not_answer_another_client_of_the_token(person):
    class Page(Secret):
        get = page

    cached = method_decorator(cache_page(60), name="dispatch")(Page)
    token = Program.with_token(person)
    assert token.passes("/shop/secret/", "GET").status_code == 200
    handle = person.challenge.handle

    with addresses(path("page/", cached.as_view()), path("all/", cache_page(60)(Page.as_view()))):
        for url in ("/page/", "/all/"):
            assert token.sends("GET", url, handle=handle).status_code == 200
            assert Program.with_token(person).sends("GET", url).status_code == 401


def test_a_method_without_the_gate_is_the_sites_own(program, monkeypatch):
    monkeypatch.setattr(Secret, "permission_classes", [require_face(methods=["POST"])])
    monkeypatch.setattr(Secret, "get", page)

    assert program.sends("GET", "/shop/secret/")["Cache-Control"] == PUBLIC["Cache-Control"]


def test_a_prefetch_is_put_off_by_a_gate_that_counts_once(program, monkeypatch):
    """The browser asks again when the user wants the page (F-27)."""
    permission = require_face(action="secret", single_use=True)
    monkeypatch.setattr(Secret, "permission_classes", [permission])

    response = program.calls("GET", "/shop/secret/", {"Sec-Purpose": "prefetch"})

    assert response.status_code == 503
    assert not FaceChallenge.objects.exists()
