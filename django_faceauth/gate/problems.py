"""Refusals for programs: a challenge in the terms of RFC 9470, as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from django_faceauth.gate.htmx import is_htmx
from django_faceauth.gate.policy import Policy
from django_faceauth.models import FaceChallenge

MEDIA_TYPE: Final = "application/problem+json"
#: Methods that no link and no form of a page has.
OF_PROGRAMS: Final = frozenset({"PUT", "PATCH", "DELETE"})


def wants_problem(request: HttpRequest) -> bool:
    """Tell whether a program asks: it must not be sent to a page, by whatever method."""
    if is_htmx(request):  # speaks for a page, by any method
        return False
    if request.method in OF_PROGRAMS or request.content_type == "application/json":
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def challenge_for(request: HttpRequest, policy: Policy, challenge: FaceChallenge) -> HttpResponse:
    """Return the answer that says that a face is needed, and where to show it."""
    seconds = int(policy.age_limit.total_seconds())
    start = reverse("faceauth:start", args=[challenge.handle])
    status = reverse("faceauth:status", args=[challenge.handle])
    response = problem(
        401,
        "face_required",
        _("This needs a face check."),
        action=policy.action,
        max_age=seconds,
        challenge=challenge.handle,
        start_url=request.build_absolute_uri(start),
        status_url=request.build_absolute_uri(status),
    )
    response["WWW-Authenticate"] = (
        f'Session error="insufficient_user_authentication", max_age="{seconds}", acr_values="face"'
    )
    return response


def problem(status: int, code: str, title: str, **more: Any) -> HttpResponse:
    """Return problem details; `code` is one of a closed set of words."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, **more}
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store, private"
    return response
