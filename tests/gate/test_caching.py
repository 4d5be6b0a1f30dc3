"""Responses behind a gate stay out of caches (F-06)."""

from __future__ import annotations

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control, cache_page, never_cache

from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.services.grants import revocation
from tests.test_checks import addresses, found

pytestmark = pytest.mark.database

PUBLIC = {"Cache-Control": "public, max-age=3600, s-maxage=3600, immutable, must-understand"}
CDN = {"CDN-Cache-Control": "public", "X-Accel-Expires": "3600", "Surrogate-Control": "max-age=9"}


def directives(response):
    return {part.strip() for part in response["Cache-Control"].split(",")}


@pytest.mark.parametrize("kind", [HttpResponse, StreamingHttpResponse])
def test_a_view_may_only_forbid_more(person, kind):
    """It cannot allow caching, neither by headers for content delivery networks (F-06)."""
    person.passes()
    public = face_required(lambda request: kind("page", headers={**PUBLIC, **CDN}))
    private = face_required(never_cache(lambda request: kind("page")))

    only_post = face_required(methods=["POST"])(lambda request: kind("page", headers=PUBLIC))

    with addresses(
        path("public/", public), path("private/", private), path("only-post/", only_post)
    ):
        assert person.browser.get("/only-post/")["Cache-Control"] == PUBLIC["Cache-Control"]
        response = person.browser.get("/public/")
        assert directives(response) == {"private", "no-store"}
        assert [name for name in CDN if name in response] == []
        response = person.browser.get("/private/")
        assert directives(response) >= {"private", "no-store", "no-cache", "must-revalidate"}


class Documents(FaceRequiredMixin, View):
    def get(self, request):
        return HttpResponse("secret")


late = face_required(
    lambda request: TemplateResponse(request, engines["django"].from_string("secret"))
)
plain = face_required(lambda request: HttpResponse("secret"))
CACHED = {
    "function": cache_page(60)(plain),
    "class": cache_page(60)(Documents.as_view()),
    "dispatch": method_decorator(cache_page(60), name="dispatch")(
        type("View", (Documents,), {})
    ).as_view(),
    "rendered late": cache_page(60)(late),
    "made public above the gate": cache_page(60)(cache_control(public=True, max_age=60)(plain)),
}


def revoke(person):
    assert revocation.end_all(person.user.pk, reason="staff", now=timezone.now()) == 1


@pytest.mark.parametrize("view", CACHED.values(), ids=CACHED)
@pytest.mark.parametrize("ending", ["revoked", "expired"])
def test_cache_page_does_not_outlive_a_grant(person, clock, view, ending):
    person.passes()
    with addresses(path("page/", view)):
        assert person.browser.get("/page/").content == b"secret"
        if ending == "revoked":
            revoke(person)
        else:
            clock.move_to(person.challenge.verified_at)
            clock.shift(301)

        person.is_asked("/page/")
        assert Client().get("/page/").status_code == 302


def test_cache_middleware_does_not_outlive_a_grant_and_is_reported(person, settings):
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    person.browser.handler.load_middleware()
    person.passes()
    assert person.browser.get("/statements/").status_code == 200
    assert "W026" in found()

    revoke(person)

    person.is_asked("/statements/")
