"""The answer to a request that may not pass."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.gate.decision import FORMS, Challenge, Deny, Reason, named_by
from django_faceauth.gate.destination import destination, fallback_for, home, local
from django_faceauth.gate.htmx import is_fragment, send_on
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problems import SESSION_SCHEME, challenge_for, problem, wants_problem
from django_faceauth.headers import sealed
from django_faceauth.models import FaceChallenge
from django_faceauth.services import grants
from django_faceauth.services.binding import Snapshot
from django_faceauth.services.questions import Kept, Question
from django_faceauth.wording import NOT_DONE, Text

#: Characters of kept fields, all together: what somebody typed, no uploads.
MOST_KEPT: Final = 10_000


def refuse(
    request: HttpRequest, policy: Policy, decision: Challenge | Deny, now: datetime
) -> HttpResponse:
    """Answer a refused request: ask for the face, ask for the login, or say no."""
    if decision.reason is Reason.ANONYMOUS:
        wanted = destination(request) if is_fragment(request) else request.get_full_path()
        return send_on(request, redirect_to_login(wanted)["Location"])
    if wants_problem(request):
        return refuse_program(request, policy, decision, now, next_url=destination(request))
    if isinstance(decision, Challenge):
        challenge = _ask(request, policy, decision.snapshot, decision.reason, now)
        return send_on(request, reverse("faceauth:start", args=[challenge.handle]))
    if decision.reason is Reason.NOT_ENROLLED:
        return _not_enrolled(request, policy, now)
    return _say_no(request, decision.reason)


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
    if isinstance(decision, Challenge):
        challenge = _ask(request, policy, decision.snapshot, decision.reason, now, next_url)
        return challenge_for(request, policy, challenge, scheme)
    if decision.reason is Reason.NOT_ENROLLED and conf.FALLBACK:
        challenge = _ask(request, policy, policy.snapshot(), decision.reason, now, next_url)
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
    question = Question(
        policy.action,
        policy.age_limit,
        snapshot,
        reason.value,
        next_url=next_url or destination(request),
        resume_url="" if kept is None else local(request.get_full_path()),
        kept=kept,
    )
    return grants.ask(
        request, question, window=conf.CAPTURE_WINDOW, now=now, named=named_by(request, policy)
    )


def _kept(request: HttpRequest, policy: Policy) -> Kept | None:
    """Return what the gate names of a form, and of nothing else (U-10).

    None if the request does not come back: it changes nothing, is no form, or is too long.
    """
    if policy.keep is None or request.method != "POST" or request.content_type not in FORMS:
        return None
    sent = [(name, request.POST.getlist(name)) for name in policy.keep if name in request.POST]
    size = sum(len(value) for _name, values in sent for value in values)
    return sent if size <= MOST_KEPT else None


def _not_enrolled(request: HttpRequest, policy: Policy, now: datetime) -> HttpResponse:
    if not conf.FALLBACK:
        return _denied(request)
    challenge = _ask(request, policy, policy.snapshot(), Reason.NOT_ENROLLED, now)
    return _denied(request, challenge.handle)


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


def _denied(request: HttpRequest, handle: str = "") -> HttpResponse:
    context = {"cancel_url": home(), "fallback": fallback_for(handle)}
    return sealed(render(request, "faceauth/denied.html", context, status=403))
