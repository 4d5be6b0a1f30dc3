"""Refusals for programs: a challenge in the terms of RFC 9470, as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.gate.htmx import is_htmx
from django_faceauth.gate.policy import Policy
from django_faceauth.models import FaceChallenge
from django_faceauth.services import grants

MEDIA_TYPE: Final = "application/problem+json"
#: Methods that no link and no form of a page has.
OF_PROGRAMS: Final = frozenset({"PUT", "PATCH", "DELETE"})
#: What a session is called where a scheme is asked for; it has none of its own.
SESSION_SCHEME: Final = "Session"


def wants_problem(request: HttpRequest) -> bool:
    """Tell whether a program asks: it must not be sent to a page, by whatever method."""
    if is_htmx(request):  # speaks for a page, by any method
        return False
    if request.method in OF_PROGRAMS or request.content_type == "application/json":
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def challenge_for(
    request: HttpRequest, policy: Policy, challenge: FaceChallenge, scheme: str = SESSION_SCHEME
) -> HttpResponse:
    """Return the answer that says that a face is needed, and where to show it (G-07).

    `scheme` is that of the credential that the request came with.
    """
    seconds = int(policy.age_limit.total_seconds())
    response = problem(
        401,
        "face_required",
        _("This needs a face check."),
        detail=_(
            "Start an attempt at attempts_url, or let the user open start_url if there is one, "
            "and send the request again when the face was shown."
        ),
        action=policy.action,
        max_age=seconds,
        challenge=challenge.handle,
        **addresses_of(request, challenge),
    )
    response["WWW-Authenticate"] = (
        f'{scheme} error="insufficient_user_authentication", '
        f'max_age="{seconds}", acr_values="{conf.ACR}"'
    )
    return response


def addresses_of(request: HttpRequest, challenge: FaceChallenge) -> dict[str, str | None]:
    """Return where a program goes on with a challenge: in a browser, or by itself.

    None for what the site has not included in its addresses, and for the page where there is
    no session that could open it.
    """
    status = _address(request, "faceauth-api:challenge", challenge)
    has_page = not grants.seat_of(request).names_challenge
    return {
        "start_url": _address(request, "faceauth:start", challenge) if has_page else None,
        "status_url": status or _address(request, "faceauth:status", challenge),
        "attempts_url": _address(request, "faceauth-api:challenge-attempts", challenge),
    }


def problem(status: int, code: str, title: str, **more: Any) -> HttpResponse:
    """Return problem details; `code` is one of a closed set of words."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, **more}
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store, private"
    return response


def _address(request: HttpRequest, name: str, challenge: FaceChallenge) -> str | None:
    try:
        return request.build_absolute_uri(reverse(name, args=[challenge.handle]))
    except NoReverseMatch:
        return None
