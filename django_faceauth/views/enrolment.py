"""The pages by which users enrol themselves."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConsentRequired, NotEnrolled, TooManyAttempts
from django_faceauth.gate.decision import FaceRequest
from django_faceauth.gate.decorators import face_required
from django_faceauth.gate.redirects import fallback_for, home, way_back
from django_faceauth.messages import ENROLMENT, NOT_DONE, Wording
from django_faceauth.models import Applicant, IdentityVerification
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.challenge import FACE
from django_faceauth.services.flow import capture, enrolment, finish
from django_faceauth.services.flow.progress import trouble_with
from django_faceauth.services.grants import identity
from django_faceauth.services.grants.formatting import moment
from django_faceauth.services.privacy import consent
from django_faceauth.views.flow import limited
from django_faceauth.views.pages import AGAIN, not_found, page

if TYPE_CHECKING:
    from django_faceauth.provider.resources import DeclaredData

logger = logging.getLogger(__name__)

Source = StatusChange.Source
Outcome = IdentityVerification.Outcome


@page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def enrol(request: HttpRequest) -> HttpResponse:
    """Show what enrolment is; on POST, send the browser to the provider's page.

    Users who can pass a face check already must pass one: a thief in their session must not
    be able to put another face in the place of theirs.
    """
    user = cast(AbstractBaseUser, request.user)
    if identity.is_impersonated(request):
        wording = NOT_DONE["impersonated"]
        return _render(request, "not_done", status=403, wording=wording, next_url=home())
    applicant = Applicant.objects.filter(user_id=user.pk).first()
    if applicant is None:
        return _enrol(request)
    if applicant.usable_from is not None and applicant.usable_from > timezone.now():
        return _result(request, Outcome.LINKED, ENROLMENT[Outcome.LINKED])
    return _enrol_again(cast(FaceRequest, request))


def _enrol(request: HttpRequest) -> HttpResponse:
    user, now = cast(AbstractBaseUser, request.user), timezone.now()
    declared = enrolment.declared_by(user)
    if declared is None:
        return _render(request, "denied", status=403, fallback=fallback_for())
    principal = identity.ensure_principal(request)
    options = capture.options_for(request, user)
    ask = partial(_ask, request, declared, options)
    try:
        if request.method != "POST":
            closed = enrolment.closed_until(principal, now=now)
            return limited(request, closed, now, fallback_for()) if closed else ask()
        by_sms = "sms" in request.POST
        verification, link = enrolment.begin(
            principal,
            declared,
            redirect_url=partial(way_back, request, name="faceauth:enrol-returned"),
            options=options if by_sms else options.without_number(),
            now=now,
            agreed_to=request.POST.get("consent", ""),
        )
    except NotEnrolled:
        return _render(request, "denied", status=403, fallback=fallback_for())
    except ConsentRequired:
        return ask(is_missed=True)
    except TooManyAttempts as closed:
        return limited(request, closed, now, fallback_for())
    except finish.TROUBLES as error:
        logger.error("enrolment failed: %s user=%s", error, user.pk)
        return _render(
            request,
            "unavailable",
            status=503,
            passes=getattr(error, "retryable", False),
            cause=str(error) if settings.DEBUG else "",
            consent=consent.required_text(user),
        )
    if link is None or by_sms:
        return redirect("faceauth:enrol-waiting", verification.handle)
    return _render(request, "hand_over", capture_url=link.capture_url)


@face_required(action="enrolment")
def _enrol_again(request: FaceRequest) -> HttpResponse:
    """Replace the face of a user who has just shown it: an exemption or another way is no proof."""
    if request.face.method != FACE:
        return _render(request, "denied", status=403, fallback="")
    return _enrol(request)


@page
@require_safe
def returned(request: HttpRequest, handle: str) -> HttpResponse:
    """Receive the browser back from the provider's page; like the way back of a face check."""
    verification = enrolment.find(identity.principal_of(request), handle)
    if verification is None:
        if request.user.is_authenticated:
            return render(request, "faceauth/elsewhere.html", status=404)
        # With SESSION_COOKIE_SAMESITE="Strict" the cookie comes along from a page of ours only.
        again = "" if AGAIN in request.GET else f"{request.path}?{AGAIN}=1"
        return render(request, "faceauth/elsewhere.html", {"again": again})
    enrolment.look(verification, source=Source.RETURN, now=timezone.now())
    return redirect("faceauth:enrol-waiting", handle)


@page
@require_safe
def waiting(request: HttpRequest, handle: str) -> HttpResponse:
    """Wait for the provider, or show the result; tell the script of the page how it stands."""
    verification = enrolment.find(identity.principal_of(request), handle)
    if verification is None:
        return not_found(request)
    now = timezone.now()
    verification, trouble = enrolment.look(verification, source=Source.POLL, now=now)
    word, wording = enrolment.wording_for(verification, now=now)
    if trouble is not None and word == Outcome.OPEN:
        wording = Wording(wording.title, trouble_with(trouble))
    next_url = "" if word == Outcome.OPEN else request.path
    if verification.is_open and verification.started_at is None:
        next_url = reverse("faceauth:enrol")
    if not request.accepts("text/html"):
        data = {"state": word, "message": str(wording.message)}
        return JsonResponse(data | {"next": next_url} if next_url else data)
    if next_url:
        return _result(request, word, wording) if next_url == request.path else redirect(next_url)
    return _render(
        request,
        "waiting",
        wording=wording,
        refresh=3,  # seconds
        can_reopen=enrolment.can_reopen(verification, now=now),
        status_url=request.path,
    )


def _ask(
    request: HttpRequest,
    declared: DeclaredData,
    options: capture.CaptureOptions,
    *,
    is_missed: bool = False,
) -> HttpResponse:
    """Show the start page; `is_missed` if a consent was needed and not given."""
    user = cast(AbstractBaseUser, request.user)
    return _render(
        request,
        "enrol",
        status=400 if is_missed else 200,
        declared=declared,
        is_missed=is_missed,
        takes_consent=bool(conf.CONSENT_VERSION),
        consent=consent.required_text(user),
        cool_off=conf.ENROLMENT_COOL_OFF,
        sms_to=options.masked_number,
        fallback=fallback_for(),
    )


def _result(request: HttpRequest, word: str, wording: Wording) -> HttpResponse:
    user = cast(AbstractBaseUser, request.user)
    applicant = Applicant.objects.filter(user_id=user.pk).first()
    usable_from = applicant.usable_from if applicant and word == Outcome.LINKED else None
    is_ahead = usable_from is not None and usable_from > timezone.now()
    return _render(
        request,
        "enrol_result",
        word=word,
        wording=wording,
        usable_from=moment(usable_from) if usable_from and is_ahead else "",
        consent=consent.required_text(user),
        fallback=fallback_for(),
    )


def _render(request: HttpRequest, name: str, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"start_url": reverse("faceauth:enrol"), "cancel_url": home()}
    return render(request, f"faceauth/{name}.html", context, status=status)
