"""Step-up challenges (RFC 9470) as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.gate.policy import Policy
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity

MEDIA_TYPE: Final = "application/problem+json"
#: Methods by which a browser opens a page; no link and no form has another.
OF_PAGES: Final = frozenset({"GET", "HEAD", "POST"})
#: Destinations of navigations (Fetch Metadata).
WINDOWS: Final = frozenset({"document", "embed", "fencedframe", "frame", "iframe", "object"})
HTML: Final = ("text/html", "application/xhtml+xml")
#: The parameter of the start page that says where to go on to.
NEXT: Final = "next"
#: Names a session in `WWW-Authenticate`; there is no registered scheme.
SESSION_SCHEME: Final = "Session"


def is_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sends the request."""
    return request.headers.get("HX-Request") == "true"


def wants_problem(request: HttpRequest) -> bool:
    """Return whether a client sends the request, which would take a page for success.

    Everything but a navigation of a browser is a client, also a script of a page, which its
    browser (Fetch Metadata) or its library marks. A request without any such header, and
    without `Accept`, is taken for a navigation: a test client, or a very old browser.
    """
    if getattr(request, identity.CREDENTIAL, None) is not None:
        return True  # a page would not know who asks
    if is_htmx(request):  # speaks for a page, by any method
        return False
    is_script = request.headers.get("X-Requested-With", "").lower() == "xmlhttprequest"
    kind = request.content_type or ""
    is_json = kind == "application/json" or kind.endswith("+json")
    if request.method not in OF_PAGES or is_script or is_json:
        return True
    mode, window = (request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Mode", "Dest"))
    if (mode and mode != "navigate") or (window and window not in WINDOWS):
        return True
    if not request.headers.get("Accept"):
        return False
    # Clients that read anything send */*, so HTML has to be named and preferred.
    named = {str(accepted).partition(";")[0].lower() for accepted in request.accepted_types}
    preferred = request.get_preferred_type([*HTML, "application/json"])
    return preferred not in HTML or named.isdisjoint(HTML)


def challenge_for(
    request: HttpRequest,
    policy: Policy,
    challenge: FaceChallenge,
    scheme: str,
    next_url: str,
    **more: Any,
) -> HttpResponse:
    """Return the response that asks a client for a face.

    `scheme` is that of the credential that the request came with, `next_url` is where a user
    who opens `start_url` goes on to, `more` are members of the problem.
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
        **urls_of(request, challenge, next_url),
        **more,
    )
    response["WWW-Authenticate"] = (
        f'{scheme} error="insufficient_user_authentication", '
        f'max_age="{seconds}", acr_values="{conf.ACR}"'
    )
    return response


def login_for(request: HttpRequest, url: str) -> HttpResponse:
    """Return the response that asks a client for a login."""
    response = problem(
        401, "not_authenticated", _("Log in first."), login_url=request.build_absolute_uri(url)
    )
    response["WWW-Authenticate"] = SESSION_SCHEME
    return response


def urls_of(
    request: HttpRequest, challenge: FaceChallenge, next_url: str = ""
) -> dict[str, str | None]:
    """Return the URLs by which a client goes on with a challenge.

    None stands for URLs that the site does not include, and for the page if no session could
    open it. `next_url` is added to the page if the challenge leads elsewhere so far.
    """
    start = _url(request, "faceauth:start", challenge)
    if start is not None and next_url not in {"", challenge.next_url}:
        start += f"?{urlencode({NEXT: next_url})}"
    status = _url(request, "faceauth-api:challenge", challenge)
    has_page = not identity.principal_of(request).names_challenge
    return {
        "start_url": start if has_page else None,
        "status_url": status or _url(request, "faceauth:status", challenge),
        "attempts_url": _url(request, "faceauth-api:challenge-attempts", challenge),
    }


def problem(status: int, code: str, title: str, **more: Any) -> HttpResponse:
    """Return problem details; `code` is one of a closed set."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, **more}
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store, private"
    return response


def _url(request: HttpRequest, name: str, challenge: FaceChallenge) -> str | None:
    try:
        return request.build_absolute_uri(reverse(name, args=[challenge.handle]))
    except NoReverseMatch:
        return None
