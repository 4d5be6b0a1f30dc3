"""A gate of each kind, in front of the same work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.views import View

from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from tests.site.models import Payment


def told(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
    """Say what the view finds."""
    return HttpResponse(f"in: {getattr(request.face, 'method', None)}")


async def told_async(request: HttpRequest, **_kwargs: object) -> HttpResponse:
    """Say the same from a coroutine."""
    return told(request)


def doors(**gate: Any) -> dict[str, Callable[..., Any]]:
    """Return views of a request and a primary key that have these arguments of a gate."""
    owner = {f"face_{name}": value for name, value in gate.items()}

    class Mixed(type("Gated", (FaceRequiredMixin, View), owner)):
        def get(self, request: HttpRequest, pk: int) -> HttpResponse:
            return told(request)

    class MixedAsync(Mixed):
        async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
            return told(request)

    class Site(type("Gated", (FaceRequiredAdminSite,), owner)):
        def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
            return told(request)

    class Desk(type("Gated", (FaceRequiredModelAdmin,), owner)):
        face_methods = None

        def change_view(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
            return told(request)

    site, desk = Site(name="doors"), Desk(Payment, AdminSite(name="desk"))
    change = next(url for url in desk.urls if url.name == "shop_payment_change")
    acted = face_required_action(**gate)(lambda desk, request, rows: told(request))
    return {
        "function": face_required(**gate)(told),
        "async function": face_required(**gate)(told_async),
        "class": Mixed.as_view(),
        "async class": MixedAsync.as_view(),
        "admin site": lambda request, pk: site.admin_view(site.index)(request),
        "model admin": lambda request, pk: change.callback(request, object_id=str(pk)),
        "admin action": lambda request, pk: acted("desk", request, "rows"),
    }
