"""What all pages have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from django_faceauth.gate.redirects import home, local
from django_faceauth.models import FaceChallenge, database
from django_faceauth.security_headers import sealed
from django_faceauth.services.grants import face_cookie, grants

#: What a page of ours adds to an address that it asks for once more.
AGAIN: Final = "again"


def page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Seal a page, and let it speak for itself to people who are not logged in.

    Nothing runs in one transaction here: what the flow remembers before it calls the
    provider must be committed before it.
    """

    @wraps(view)
    def page(request: HttpRequest, **named: str) -> HttpResponseBase:
        return sealed(face_cookie.carry(request, view(request, **named)))

    return database.non_atomic(login_not_required(page))


def of_this_session(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Give the view its challenge; unknown and foreign handles look the same."""

    @wraps(view)
    def found(request: HttpRequest, handle: str) -> HttpResponseBase:
        challenge = grants.find(request, handle)
        if challenge is not None:
            return view(request, challenge)
        challenge = grants.find_replaced(request, handle)
        return not_found(request) if challenge is None else look_again(request, challenge)

    return found


def look_again(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Answer a request that came with another cookie of ours than the challenge has (B-05).

    If the cookie was replaced while this request was under way, the next one brings the new
    cookie. If it was replaced before, the browser goes to the page behind the gate.
    """
    if AGAIN in request.GET:
        return redirect(local(challenge.next_url))
    again = f"{reverse('faceauth:waiting', args=[challenge.handle])}?{AGAIN}=1"
    return render(request, "faceauth/elsewhere.html", {"again": again})


def not_found(request: HttpRequest) -> HttpResponse:
    """Say that there is nothing here for this browser."""
    return render(request, "faceauth/not_found.html", {"cancel_url": home()}, status=404)
