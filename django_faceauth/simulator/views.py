"""The hosted capture page, and the picture of the face."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.core.signing import BadSignature, Signer, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.http import require_http_methods, require_safe

from django_faceauth.conf import conf
from django_faceauth.networks import address_of
from django_faceauth.simulator import state_machine, store
from django_faceauth.simulator.representations import CAPTURE, PICTURE
from django_faceauth.simulator.scenarios import CHOICES, outcome_for, scenario_for
from django_faceauth.simulator.state_machine import ELSEWHERE, Case, NotAllowed, Unknown, Visit
from django_faceauth.simulator.view_decorators import View, public

PICTURE_LIFETIME: Final = timedelta(minutes=15)

#: The only face that the simulator shows. It is a drawing.
FACE: Final = Path(__file__).parent / "static" / "faceauth_simulator" / "face.png"

# No form-action, on purpose: browsers apply it to the redirect after a form too, and the
# form of the capture page leads back to the merchant's site, which is another origin.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
}


def hosted(view: Callable[..., HttpResponse]) -> View:
    """Make a view a page of the provider; its headers apply where the view sets none."""

    @public
    @wraps(view)
    def wrapper(request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = view(request, **kwargs)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return wrapper


@hosted
@require_http_methods(["GET", "POST"])
def capture(request: HttpRequest, token: str) -> HttpResponse:
    """Show the capture page, or accept the choice that was made on it."""
    now, user_agent = timezone.now(), request.headers.get("User-Agent", "")
    choice = request.POST.get("outcome", "")
    is_elsewhere = "elsewhere" in request.POST
    address = address_of(request) or request.META.get("REMOTE_ADDR", "")
    visit = Visit(
        ip_address=ELSEWHERE if is_elsewhere else str(address),
        user_agent=user_agent,
        initial_device="mobile" if "Mobi" in user_agent else "desktop",
    )
    try:
        case_id, attempt_id = Signer(salt=CAPTURE).unsign_object(token)
        if request.method != "POST":
            enter = partial(state_machine.open_capture, attempt_id=attempt_id, visit=visit, now=now)
            case = store.change(case_id, enter, now)
            return render_capture(case, attempt_id)
        if choice not in CHOICES:
            return HttpResponseBadRequest("unknown outcome", content_type="text/plain")

        def finish(case: Case) -> Case:
            if is_elsewhere:
                case = state_machine.open_capture(case, attempt_id, visit, now)
            return state_machine.finish_capture(
                case,
                attempt_id,
                outcome_for(case.scripted_id, case.captures, choice),
                check_time=conf.SIMULATOR_CHECK_SECONDS,
                now=now,
            )

        case = store.change(case_id, finish, now)
    except (BadSignature, Unknown):
        return render("closed", status=404)
    except NotAllowed:
        return render("closed", status=410)
    attempt = case.attempt(attempt_id)
    facts = {"id": case.id, "event": f"{case.kind}_capture_completed"}
    if attempt.code and not attempt.has_face:
        facts["response_code"] = str(attempt.code)
    parts = urlsplit(attempt.request.redirect_url)
    query = "&".join(filter(None, (parts.query, urlencode(facts))))
    return HttpResponseRedirect(urlunsplit(parts._replace(query=query)))


@hosted
@require_safe
def picture(_request: HttpRequest, token: str) -> HttpResponse:
    """Show the face of an attempt while its link and its personal data exist."""
    try:
        signer = TimestampSigner(salt=PICTURE)
        case_id, attempt_id = signer.unsign_object(token, max_age=PICTURE_LIFETIME)
        case = store.read(case_id, timezone.now())
    except (BadSignature, Unknown):
        return HttpResponse(status=404)
    if case.is_anonymized or not case.attempt(attempt_id).has_face:
        return HttpResponse(status=404)
    return HttpResponse(FACE.read_bytes(), content_type="image/png")


def render_capture(case: Case, attempt_id: str) -> HttpResponse:
    """Return the capture page in the language that was asked for, if it has texts for it."""
    information = case.attempt(attempt_id).request.client_information or {}
    language = information.get("pre_selected_language", "").lower()
    if not language or not translation.check_for_language(language):
        language = translation.get_language() or ""
    with translation.override(language):
        return render(
            "capture",
            is_scripted=bool(scenario_for(case.scripted_id)),
            is_of_identity=case.is_of_identity,
        )


def render(name: str, *, status: int = 200, **context: object) -> HttpResponse:
    # Rendered without the request: the context processors of the site are not the provider's.
    return HttpResponse(render_to_string(f"faceauth_simulator/{name}.html", context), status=status)
