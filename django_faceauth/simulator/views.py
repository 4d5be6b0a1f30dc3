"""What browsers see of the provider: the hosted capture page, and the picture."""

from __future__ import annotations

from datetime import datetime
from functools import partial, wraps
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from django_faceauth.conf import conf
from django_faceauth.simulator import portrait, signed_links, store
from django_faceauth.simulator.outcomes import CHOICES
from django_faceauth.simulator.scenarios import outcome_for, script_for
from django_faceauth.simulator.state_machine import (
    Case,
    NotAllowed,
    Unknown,
    Visit,
    finish_capture,
    open_capture,
)
from django_faceauth.simulator.view_decorators import Door, View, public

# No form-action, on purpose: browsers apply it to the redirect after a form too, and the
# form of the capture page leads back to the merchant's site, which is another origin.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
}


def hosted(view: View) -> Door:
    """Make a view a page of the provider, with the provider's headers unless it has its own."""

    @public
    @wraps(view)
    def door(request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = view(request, **kwargs)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return door


@hosted
@require_http_methods(["GET", "POST"])
def capture(request: HttpRequest, token: str) -> HttpResponse:
    """Show the capture page, or take what the person chose on it."""
    try:
        case_id, attempt_id = signed_links.read_capture_token(token)
        if request.method == "POST":
            return _finish(request, case_id, attempt_id)
        return _show(request, case_id, attempt_id)
    except Unknown:
        return _closed(404)
    except NotAllowed:
        return _closed(410)


@hosted
@require_safe
def picture(_request: HttpRequest, token: str) -> HttpResponse:
    """Show the face of an attempt, as long as its short-lived link and the face exist."""
    try:
        case_id, attempt_id = signed_links.read_picture_token(token)
        case = store.read(case_id, timezone.now())
    except Unknown:
        return HttpResponse(status=404)
    if case.is_anonymized or not case.attempt(attempt_id).is_on_film:
        return HttpResponse(status=404)
    return HttpResponse(portrait.png(), content_type="image/png")


def way_back(case: Case, attempt_id: str) -> str:
    """Return where the browser goes after the capture."""
    attempt = case.attempt(attempt_id)
    facts: dict[str, str | int] = {
        "id": case.id,
        "event": "face_authentication_capture_completed",
    }
    if attempt.code and not attempt.is_on_film:
        facts["response_code"] = attempt.code
    parts = urlsplit(attempt.request.redirect_url)
    query = "&".join(filter(None, (parts.query, urlencode(facts))))
    return urlunsplit(parts._replace(query=query))


def render(name: str, *, status: int = 200, **context: object) -> HttpResponse:
    """Return one of the provider's pages."""
    # Rendered without the request: the context processors of the site are not the provider's.
    return HttpResponse(render_to_string(f"faceauth_simulator/{name}.html", context), status=status)


def _show(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    now = timezone.now()
    enter = partial(open_capture, attempt_id=attempt_id, visit=_visit(request), now=now)
    case = store.change(case_id, enter, now)
    return render("capture", is_scripted=bool(script_for(case.applicant_id)))


def _finish(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    choice = request.POST.get("outcome", "")
    if choice not in CHOICES:
        return HttpResponseBadRequest("unknown outcome", content_type="text/plain")
    now = timezone.now()
    end = partial(_ended, attempt_id=attempt_id, choice=choice, now=now)
    return HttpResponseRedirect(way_back(store.change(case_id, end, now), attempt_id))


def _ended(case: Case, *, attempt_id: str, choice: str, now: datetime) -> Case:
    outcome = outcome_for(case, choice)
    check_time = conf.SIMULATOR_CHECK_SECONDS
    return finish_capture(case, attempt_id, outcome, check_time=check_time, now=now)


def _visit(request: HttpRequest) -> Visit:
    user_agent = request.headers.get("User-Agent", "")
    return Visit(
        ip_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=user_agent,
        initial_device="mobile" if "Mobi" in user_agent else "desktop",
    )


def _closed(status: int) -> HttpResponse:
    return render("closed", status=status)
