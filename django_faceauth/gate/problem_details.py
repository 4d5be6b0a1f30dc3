"""Refusals for programs: a challenge in the terms of RFC 9470, as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.gate.htmx import is_htmx
from django_faceauth.gate.policy import Policy
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import grants

MEDIA_TYPE: Final = "application/problem+json"
#: Methods by which a browser opens a page; no link and no form has another.
OF_PAGES: Final = frozenset({"GET", "HEAD", "POST"})
#: What a browser opens pages in (Fetch Metadata).
WINDOWS: Final = frozenset({"document", "embed", "fencedframe", "frame", "iframe", "object"})
#: What a browser says that it reads when it opens a page.
OF_READERS: Final = ("text/html", "application/xhtml+xml")
#: The parameter of the start page that says where to go on to.
NEXT: Final = "next"
#: What a session is called where a scheme is asked for; it has none of its own.
SESSION_SCHEME: Final = "Session"


def wants_problem(request: HttpRequest) -> bool:
    """Tell whether a program asks, which would take the page that it is sent to for success.

    Everything but a navigation of a browser is a program: a script of a page, too, which its
    browser marks (Fetch Metadata), or its library. What says nothing of itself at all, no
    `Accept` either, is not: a test client, or a very old browser.
    """
    if getattr(request, grants.CREDENTIAL, None) is not None:
        return True  # a page would not know who asks
    if is_htmx(request):  # speaks for a page, by any method
        return False
    is_script = request.headers.get("X-Requested-With", "").lower() == "xmlhttprequest"
    if request.method not in OF_PAGES or is_script or _is_json(request):
        return True
    mode, window = (request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Mode", "Dest"))
    if (mode and mode != "navigate") or (window and window not in WINDOWS):
        return True
    return bool(request.headers.get("Accept")) and not _reads_pages(request)


def challenge_for(
    request: HttpRequest,
    policy: Policy,
    challenge: FaceChallenge,
    scheme: str = SESSION_SCHEME,
    next_url: str = "",
) -> HttpResponse:
    """Return the answer that says that a face is needed, and where to show it (G-07).

    `scheme` is that of the credential that the request came with, `next_url` where a user
    goes on to who opens `start_url`.
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
        **addresses_of(request, challenge, next_url),
    )
    response["WWW-Authenticate"] = (
        f'{scheme} error="insufficient_user_authentication", '
        f'max_age="{seconds}", acr_values="{conf.ACR}"'
    )
    return response


def login_for(request: HttpRequest, url: str) -> HttpResponse:
    """Return the answer that asks the user to log in, and says where."""
    response = problem(
        401, "not_authenticated", _("Log in first."), login_url=request.build_absolute_uri(url)
    )
    response["WWW-Authenticate"] = SESSION_SCHEME
    return response


def addresses_of(
    request: HttpRequest, challenge: FaceChallenge, next_url: str = ""
) -> dict[str, str | None]:
    """Return where a program goes on with a challenge: in a browser, or by itself.

    None for what the site has not included in its addresses, and for the page where there is
    no session that could open it. `next_url` goes along with the page if the challenge leads
    elsewhere so far.
    """
    start = _address(request, "faceauth:start", challenge)
    if start is not None and next_url not in {"", challenge.next_url}:
        start += f"?{urlencode({NEXT: next_url})}"
    status = _address(request, "faceauth-api:challenge", challenge)
    has_page = not grants.seat_of(request).names_challenge
    return {
        "start_url": start if has_page else None,
        "status_url": status or _address(request, "faceauth:status", challenge),
        "attempts_url": _address(request, "faceauth-api:challenge-attempts", challenge),
    }


def problem(status: int, code: str, title: str, **more: Any) -> HttpResponse:
    """Return problem details; `code` is one of a closed set of words."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, **more}
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store, private"
    return response


def _is_json(request: HttpRequest) -> bool:
    kind = (request.content_type or "").lower()
    return kind == "application/json" or kind.endswith("+json")


def _reads_pages(request: HttpRequest) -> bool:
    """Tell whether a request names HTML; `*/*` is what programs send who read anything."""
    named = {str(kind).partition(";")[0].lower() for kind in request.accepted_types}
    preferred = request.get_preferred_type([*OF_READERS, "application/json"])
    return preferred in OF_READERS and not named.isdisjoint(OF_READERS)


def _address(request: HttpRequest, name: str, challenge: FaceChallenge) -> str | None:
    try:
        return request.build_absolute_uri(reverse(name, args=[challenge.handle]))
    except NoReverseMatch:
        return None
