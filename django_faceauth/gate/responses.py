"""The answer to a request that may not pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.gate.clients import scheme_of
from django_faceauth.gate.decision import FORMS, Challenge, Deny, Reason, named_by
from django_faceauth.gate.htmx import is_fragment, send_on
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problem_details import (
    SESSION_SCHEME,
    challenge_for,
    login_for,
    problem,
    wants_problem,
)
from django_faceauth.gate.redirects import destination, fallback_for, home, local
from django_faceauth.messages import NOT_DONE, Text
from django_faceauth.models import FaceChallenge
from django_faceauth.security_headers import sealed
from django_faceauth.services.grants import grants
from django_faceauth.services.grants.binding import Snapshot, is_storable
from django_faceauth.services.grants.challenge_spec import ChallengeSpec, Kept

#: Characters of kept fields, all together: what somebody typed, no uploads.
MOST_KEPT: Final = 10_000


def refuse(
    request: HttpRequest, policy: Policy, decision: Challenge | Deny, now: datetime
) -> HttpResponse:
    """Answer a refused request: ask for the face, ask for the login, or say no."""
    if decision.reason is Reason.ANONYMOUS:
        return _ask_who(request)
    if decision.reason is Reason.IN_ADVANCE:
        return _not_yet()
    if wants_problem(request):
        next_url, scheme = destination(request), scheme_of(request)
        return refuse_program(request, policy, decision, now, next_url=next_url, scheme=scheme)
    if isinstance(decision, Challenge):
        challenge = _ask(request, policy, decision.snapshot, decision.reason, now)
        return send_on(request, reverse("faceauth:start", args=[challenge.handle]))
    if decision.reason is Reason.NOT_ENROLLED:
        return _not_enrolled(request, policy, decision, now)
    return _say_no(request, decision.reason)


def _not_yet() -> HttpResponse:
    """Refuse a prefetch: the browser asks again when the page is wanted."""
    response: Any = HttpResponse(status=503, headers={"Cache-Control": "no-store, private"})
    response._has_been_logged = True  # as an error of the server, which it is not
    return cast(HttpResponse, response)


def _ask_who(request: HttpRequest) -> HttpResponse:
    """Send a visitor to the log-in page, and tell a program where it is."""
    is_part = is_fragment(request) or wants_problem(request)
    wanted = destination(request) if is_part else request.get_full_path()
    login_url = redirect_to_login(wanted)["Location"]
    return login_for(request, login_url) if wants_problem(request) else send_on(request, login_url)


def refuse_program(
    request: HttpRequest,
    policy: Policy,
    decision: Challenge | Deny,
    now: datetime,
    *,
    next_url: str,
    scheme: str = SESSION_SCHEME,
) -> HttpResponse:
    """Answer a refused program: ask for the face, or say no. Never a redirect (G-07).

    `next_url` is where a user goes on who takes the page all the same, `scheme` that of the
    credential that the request came with.
    """
    if decision.reason is Reason.IN_ADVANCE:
        return _not_yet()
    if isinstance(decision, Challenge):
        challenge = _ask(request, policy, decision.snapshot, decision.reason, now, next_url)
        if next_url == home():  # for want of a page that is known
            next_url = ""
        return challenge_for(request, policy, challenge, scheme, next_url)
    if decision.reason is Reason.NOT_ENROLLED and conf.FALLBACK:
        challenge = _ask(request, policy, decision.snapshot, decision.reason, now, next_url)
        url = request.build_absolute_uri(fallback_for(challenge.handle))
        return denial(decision.reason, challenge=challenge.handle, fallback_url=url)
    return denial(decision.reason)


def _ask(
    request: HttpRequest,
    policy: Policy,
    snapshot: Snapshot,
    reason: Reason,
    now: datetime,
    next_url: str = "",
) -> FaceChallenge:
    """Return the open challenge that a refused request leads to.

    `next_url` is for programs, whose requests do not come back.
    """
    kept = None if next_url else _kept(request, policy)
    question = ChallengeSpec(
        policy.action,
        policy.age_limit,
        snapshot,
        reason.value,
        next_url=next_url or destination(request),
        resume_url="" if kept is None else local(request.get_full_path()),
        saved_form_data=kept,
        is_of_program=bool(next_url),
    )
    return grants.ask(
        request, question, window=conf.CAPTURE_WINDOW, now=now, named=named_by(request, policy)
    )


def _kept(request: HttpRequest, policy: Policy) -> Kept | None:
    """Return what the gate names of a form, and of nothing else (U-10).

    None if the request does not come back: it changes nothing, is no form, is too long, or
    holds what cannot be stored.
    """
    if policy.keep is None or request.method != "POST" or request.content_type not in FORMS:
        return None
    sent = [(name, request.POST.getlist(name)) for name in policy.keep if name in request.POST]
    texts = [value for _name, values in sent for value in values]
    is_kept = sum(map(len, texts)) <= MOST_KEPT and all(map(is_storable, texts))
    return sent if is_kept else None


def _not_enrolled(
    request: HttpRequest, policy: Policy, decision: Deny, now: datetime
) -> HttpResponse:
    is_staff = getattr(request.user, "is_staff", False)
    if not conf.FALLBACK:
        return _denied(request, tells_how_to_link=is_staff)
    challenge = _ask(request, policy, decision.snapshot, decision.reason, now)
    return _denied(request, challenge.handle, tells_how_to_link=is_staff)


def _say_no(request: HttpRequest, reason: Reason) -> HttpResponse:
    if reason.value not in NOT_DONE:
        return _denied(request)
    context = {
        "cancel_url": home(),
        "next_url": destination(request),
        "wording": NOT_DONE[reason.value],
    }
    return sealed(render(request, "faceauth/not_done.html", context, status=_status_for(reason)))


def denial(reason: Reason, **more: str) -> HttpResponse:
    """Return the answer to a program whose request no face would help."""
    return problem(_status_for(reason), reason.value, str(_title_for(reason)), **more)


def _status_for(reason: Reason) -> int:
    return 409 if reason in {Reason.CHANGED, Reason.USED} else 403


def _title_for(reason: Reason) -> Text:
    wording = NOT_DONE.get(reason.value)
    return wording.title if wording else _("Your account cannot use this at the moment.")


def _denied(
    request: HttpRequest, handle: str = "", *, tells_how_to_link: bool = False
) -> HttpResponse:
    context = {
        "cancel_url": home(),
        "fallback": fallback_for(handle),
        "tells_how_to_link": tells_how_to_link,
    }
    return sealed(render(request, "faceauth/denied.html", context, status=403))
