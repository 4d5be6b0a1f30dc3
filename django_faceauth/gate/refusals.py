"""The answer to a request that may not pass."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from django_faceauth.conf import conf
from django_faceauth.gate.decision import Challenge, Deny, Reason
from django_faceauth.gate.destination import destination, fallback_for, home
from django_faceauth.gate.policy import Policy
from django_faceauth.headers import sealed
from django_faceauth.services import grants


def refuse(
    request: HttpRequest, policy: Policy, decision: Challenge | Deny, now: datetime
) -> HttpResponse:
    """Answer a refused request: ask for the face, ask for the login, or say no."""
    if isinstance(decision, Challenge):
        return _ask(request, policy, now)
    if decision.reason is Reason.ANONYMOUS:
        return redirect_to_login(request.get_full_path())
    context = {"cancel_url": home(), "fallback": fallback_for()}
    return sealed(render(request, "faceauth/denied.html", context, status=403))


def _ask(request: HttpRequest, policy: Policy, now: datetime) -> HttpResponse:
    challenge = grants.ask(
        request,
        action=policy.action,
        max_age=policy.age_limit,
        window=conf.CAPTURE_WINDOW,
        next_url=destination(request),
        now=now,
    )
    return redirect("faceauth:start", challenge.handle)
