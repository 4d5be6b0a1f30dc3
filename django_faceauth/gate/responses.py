"""Responses of the gate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.gate import redirects
from django_faceauth.gate.decision import CHALLENGE_HEADER, FORMS, Challenge, Deny, Reason, named_by
from django_faceauth.gate.locked_user import SCHEME
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problem_details import (
    SESSION_SCHEME,
    challenge_for,
    is_htmx,
    login_for,
    problem,
    wants_problem,
)
from django_faceauth.messages import NOT_DONE
from django_faceauth.models import Applicant, FaceChallenge
from django_faceauth.security_headers import sealed
from django_faceauth.services.flow import enrolment
from django_faceauth.services.grants import grants, identity
from django_faceauth.services.grants.binding import is_storable
from django_faceauth.services.grants.challenge_spec import ChallengeSpec, FormData
from django_faceauth.services.second_ways import registry

Answer = TypeVar("Answer")

#: Directives of a view that stay, since they only forbid more.
STRICTER: Final = frozenset({"no-cache", "must-revalidate", "proxy-revalidate", "no-transform"})
#: Headers that caches prefer to Cache-Control (RFC 9213 and older ones).
RIVALS: Final = (
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Expires",
    "Surrogate-Control",
    "X-Accel-Expires",
)
#: Characters of a saved form: what a user types, not uploads.
MOST_KEPT: Final = 10_000


def refuse(
    request: HttpRequest, policy: Policy, decision: Challenge | Deny, now: datetime
) -> HttpResponse:
    """Return the response to a refused request.

    A browser is redirected to the start page or the login, or shown why it may not pass. A
    client that expects no page gets problem details.
    """
    if decision.reason is Reason.IN_ADVANCE:
        return _unavailable()
    is_client = wants_problem(request)
    if decision.reason is Reason.ANONYMOUS:
        is_part = redirects.is_fragment(request) or is_client
        wanted = redirects.destination(request) if is_part else request.get_full_path()
        login_url = redirect_to_login(wanted)["Location"]
        return login_for(request, login_url) if is_client else _send_on(request, login_url)
    if is_client:
        next_url, scheme = redirects.destination(request), getattr(request, SCHEME, SESSION_SCHEME)
        return refuse_client(request, policy, decision, now, next_url=next_url, scheme=scheme)
    if isinstance(decision, Challenge):
        challenge = _ask(request, policy, decision, now)
        return _send_on(request, reverse("faceauth:start", args=[challenge.handle]))
    if decision.reason.value in NOT_DONE:
        context: dict[str, Any] = {
            "cancel_url": redirects.home(),
            "next_url": redirects.destination(request),
            "wording": NOT_DONE[decision.reason.value],
        }
        status = _status_for(decision.reason)
        return sealed(render(request, "faceauth/not_done.html", context, status=status))
    fallback, is_unenrolled = redirects.fallback_for(), decision.reason is Reason.NOT_ENROLLED
    if is_unenrolled and (conf.FALLBACK or registry.set_up_by(request.user)):
        fallback = redirects.other_way(_ask(request, policy, decision, now))
    context = {
        "cancel_url": redirects.home(),
        "fallback": fallback,
        **(enrolment_of(request.user) if is_unenrolled else {}),
        "tells_how_to_link": is_unenrolled and getattr(request.user, "is_staff", False),
    }
    return sealed(render(request, "faceauth/denied.html", context, status=403))


def refuse_client(
    request: HttpRequest,
    policy: Policy,
    decision: Challenge | Deny,
    now: datetime,
    *,
    next_url: str,
    scheme: str,
) -> HttpResponse:
    """Return the response to a refused client that expects no page. Never a redirect.

    `next_url` is where a user who opens the start page goes on to, `scheme` is that of the
    credential that the request came with.
    """
    if decision.reason is Reason.IN_ADVANCE:
        return _unavailable()
    if isinstance(decision, Challenge):
        challenge = _ask(request, policy, decision, now, next_url)
        if next_url == redirects.home():  # no better page is known
            next_url = ""
        ways = redirects.other_ways(request, challenge) if conf.SECOND_WAYS else {}
        return challenge_for(request, policy, challenge, scheme, next_url, **ways)
    more: dict[str, Any] = {}
    if decision.reason is Reason.NOT_ENROLLED:
        enrol = enrolment_of(request.user)
        if "enrol_url" in enrol:
            more["enrol_url"] = request.build_absolute_uri(enrol["enrol_url"])
            more["cool_off"] = int(enrol["cool_off"].total_seconds())
        if "usable_from" in enrol:
            more["usable_from"] = enrol["usable_from"].isoformat()
        if conf.FALLBACK or registry.set_up_by(request.user):
            challenge = _ask(request, policy, decision, now, next_url)
            more |= {"challenge": challenge.handle, **redirects.other_ways(request, challenge)}
    return denial(decision.reason, **more)


def enrolment_of(user: Any) -> dict[str, Any]:
    """Return what a user who is not enrolled can do.

    They may enrol at `enrol_url`, so that their face counts after `cool_off`, or have to wait
    until `usable_from`.
    """
    applicant = Applicant.objects.filter(user_id=user.pk).first()
    if applicant is not None and applicant.usable_from is not None:
        return {"usable_from": applicant.usable_from}
    if applicant is None and enrolment.declared_by(user) is not None:
        return {"enrol_url": reverse("faceauth:enrol"), "cool_off": conf.ENROLMENT_COOL_OFF}
    return {}


def denial(reason: Reason, **more: Any) -> HttpResponse:
    """Return problem details for a client that a face check would not help."""
    wording = NOT_DONE.get(reason.value)
    title = wording.title if wording else _("Your account cannot use this at the moment.")
    return problem(_status_for(reason), reason.value, str(title), **more)


def _send_on(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the browser; htmx would swap in the target of an ordinary redirect."""
    response = HttpResponse(headers={"HX-Redirect": url}) if is_htmx(request) else redirect(url)
    patch_vary_headers(response, ["HX-Request"])
    response["Cache-Control"] = "no-store, private"
    return response


def _status_for(reason: Reason) -> int:
    return 409 if reason in {Reason.CHANGED, Reason.USED} else 403


def _unavailable() -> HttpResponse:
    """Refuse a prefetch: the browser asks again when the user wants the page."""
    response: Any = HttpResponse(status=503, headers={"Cache-Control": "no-store, private"})
    response._has_been_logged = True  # keeps Django from logging a server error
    return cast(HttpResponse, response)


def _ask(
    request: HttpRequest,
    policy: Policy,
    decision: Challenge | Deny,
    now: datetime,
    next_url: str = "",
) -> FaceChallenge:
    """Return the open challenge that a refused request leads to.

    `next_url` is for clients, whose requests do not come back.
    """
    saved = None
    if not next_url and policy.keep is not None and request.method == "POST":
        saved = _form_data(request, policy.keep)
    spec = ChallengeSpec(
        policy.action,
        policy.age_limit,
        decision.snapshot,
        decision.reason.value,
        next_url=next_url or redirects.destination(request),
        resume_url="" if saved is None else redirects.local(request.get_full_path()),
        saved_form_data=saved,
        is_of_client=bool(next_url),
        accept=policy.accept,
        network_policy=policy.network or conf.NETWORK_POLICY,
    )
    return grants.ask(
        request, spec, window=conf.CAPTURE_WINDOW, now=now, named=named_by(request, policy)
    )


def _form_data(request: HttpRequest, keep: Iterable[str]) -> FormData | None:
    """Return the values of the form fields to keep; None if they are too long or unstorable."""
    if request.content_type not in FORMS:
        return None
    sent = [(name, request.POST.getlist(name)) for name in keep if name in request.POST]
    texts = [value for _name, values in sent for value in values]
    fits = sum(map(len, texts)) <= MOST_KEPT and all(map(is_storable, texts))
    return sent if fits else None


def not_reused(request: Any, answer: Answer) -> Answer:
    """Keep the response of a gated view out of all caches; return it."""
    if not isinstance(answer, HttpResponseBase):  # an admin action may return nothing
        return answer
    directives = (part.strip().lower() for part in answer.get("Cache-Control", "").split(","))
    answer["Cache-Control"] = ", ".join(
        ["no-store", "private", *(part for part in directives if part in STRICTER)]
    )
    for name in RIVALS:
        answer.headers.pop(name, None)
    if getattr(request, identity.CREDENTIAL, None) is not None:
        patch_vary_headers(answer, [CHALLENGE_HEADER])
    # Django's cache asks for this before it stores: a decorator above the gate can change headers.
    getattr(request, "_request", request)._cache_update_cache = False
    return answer
