"""Decorators and rendering of the pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from django_faceauth.gate.redirects import home, local
from django_faceauth.models import FaceChallenge, database
from django_faceauth.security_headers import sealed
from django_faceauth.services.grants import face_cookie, grants
from django_faceauth.services.grants.formatting import lines
from django_faceauth.services.privacy import consent

#: The query parameter of a URL that one of our pages requests a second time.
AGAIN: Final = "again"


def page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Seal a page, and let visitors see it who are not logged in.

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
    def with_challenge(request: HttpRequest, handle: str, **named: str) -> HttpResponseBase:
        challenge = grants.find(request, handle)
        if challenge is not None:
            return view(request, challenge, **named)
        challenge = grants.find_replaced(request, handle)
        return not_found(request) if challenge is None else retry_with_cookie(request, challenge)

    return with_challenge


def retry_with_cookie(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Answer a request with another face cookie than the one of its challenge.

    If the cookie was replaced while this request was under way, the next one brings the new
    cookie. If it was replaced before, the browser goes to the page behind the gate.
    """
    if AGAIN in request.GET:
        return redirect(local(challenge.next_url))
    again = f"{reverse('faceauth:waiting', args=[challenge.handle])}?{AGAIN}=1"
    return render(request, "faceauth/elsewhere.html", {"again": again})


def not_found(request: HttpRequest) -> HttpResponse:
    """Answer a link that is unknown, expired or of another session."""
    return render(request, "faceauth/not_found.html", {"cancel_url": home()}, status=404)


def render_page(
    request: HttpRequest, name: str, challenge: FaceChallenge, status: int = 200, **context: Any
) -> HttpResponse:
    """Render `faceauth/<name>.html` with the context of all pages about a challenge."""
    context |= {
        "challenge": challenge,
        # Evaluated by pages with the form that starts, and by no others.
        "consent": SimpleLazyObject(partial(consent.required_text, challenge.user)),
        "start_url": reverse("faceauth:start", args=[challenge.handle]),
        "next_url": local(challenge.next_url),
        "cancel_url": home(),
        "lines": lines(challenge.snapshot, challenge.snapshot_order),
        "reasons": [f"faceauth/reasons/{challenge.action}.html", "faceauth/reasons/default.html"],
    }
    return render(request, f"faceauth/{name}.html", context, status=status)
