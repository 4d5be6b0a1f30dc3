"""What all pages have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from django_faceauth.gate.destination import home
from django_faceauth.headers import sealed
from django_faceauth.services import grants


def page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Seal a page, and let it speak for itself to people who are not logged in.

    Nothing runs in one transaction here: what the flow remembers before it calls the
    provider must be committed before it.
    """

    @wraps(view)
    def page(request: HttpRequest, **named: str) -> HttpResponseBase:
        return sealed(view(request, **named))

    return non_atomic_requests(login_not_required(page))


def of_this_session(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Give the view its challenge; unknown and foreign handles look the same."""

    @wraps(view)
    def found(request: HttpRequest, handle: str) -> HttpResponseBase:
        challenge = grants.find(request, handle)
        if challenge is None:
            return not_found(request)
        return view(request, challenge)

    return found


def not_found(request: HttpRequest) -> HttpResponse:
    grants.spare_cookie(request)
    return render(request, "faceauth/not_found.html", {"cancel_url": home()}, status=404)
