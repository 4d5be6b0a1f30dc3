"""Pages to report a face check, contest a decline and withdraw consent."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from django_faceauth.conf import conf
from django_faceauth.gate.redirects import fallback_for, home
from django_faceauth.models import FaceChallenge
from django_faceauth.models.challenge import NOT_ME
from django_faceauth.services import notifications
from django_faceauth.services.grants import grants, identity
from django_faceauth.services.privacy import consent as consents
from django_faceauth.services.review import user_reports
from django_faceauth.services.second_ways import registry
from django_faceauth.views.pages import not_found, of_this_session, page


@page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Receive a report that a check or an enrolment was not by its user, from the link in the mail.

    Public: the token is enough, since a report can only revoke. GET changes nothing, since
    mail scanners open links too.
    """
    subject = notifications.subject_of(token)
    if subject is None:
        return not_found(request)
    if request.method == "POST":
        user_reports.report(subject, now=timezone.now())
        return redirect("faceauth:report", token)
    is_reported = subject.reported_at is not None and getattr(subject, "reason", "") != NOT_ME
    page = "reported" if is_reported else "report"
    context = {"token": token, "cancel_url": home(), **notifications.facts(subject)}
    return render(request, f"faceauth/{page}.html", context)


@page
@csrf_protect
@require_POST
def not_me(request: HttpRequest, handle: str) -> HttpResponse:
    """Receive a report from the device that showed the face, which need not be logged in.

    Public, like the page with its button: the handle is enough, since the report ends no more
    than the challenge that it names.
    """
    now = timezone.now()
    challenge = grants.find_started(handle, now=now)
    if challenge is None:
        return not_found(request)
    user_reports.report(challenge, ends_all=False, now=now)
    return render(request, "faceauth/not_me.html", {"cancel_url": home()})


@page
@csrf_protect
@require_POST
@of_this_session
def contest(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Request a manual review of a decline. Without a gate, since it opens nothing."""
    if not user_reports.contest(challenge, now=timezone.now()):
        return not_found(request)
    return render(request, "faceauth/contested.html", {"cancel_url": home()})


@page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def consent(request: HttpRequest) -> HttpResponse:
    """Show the user's consent to face checks; on POST, withdraw it.

    Without a gate: withdrawing must be as easy as agreeing, and opens nothing.
    """
    user = cast(AbstractBaseUser, request.user)
    is_impersonated = identity.is_impersonated(request)
    if request.method == "POST" and not is_impersonated:
        consents.withdraw(user, now=timezone.now())
        return redirect("faceauth:consent")
    context = {
        "latest": consents.latest(user),
        "consent_text": consents.current_text(),
        "is_needed": consents.is_needed(user),
        "erases_applicant": conf.ERASE_APPLICANT,
        "is_impersonated": is_impersonated,
        "fallback": fallback_for() or registry.set_up_by(user),
        "cancel_url": home(),
    }
    status = 403 if request.method == "POST" else 200
    return render(request, "faceauth/your_consent.html", context, status=status)
