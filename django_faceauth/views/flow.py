"""The pages between a closed gate and an open one."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConsentRequired, NotEnrolled, TooManyAttempts
from django_faceauth.gate.problem_details import NEXT
from django_faceauth.gate.redirects import home, local, other_way, way_back, way_on
from django_faceauth.gate.responses import enrolment_of
from django_faceauth.messages import LIMITED, RETRY, WORDINGS, Wording
from django_faceauth.models import FaceChallenge
from django_faceauth.models.authentication import StatusChange
from django_faceauth.networks import origin_of
from django_faceauth.services.flow import finish
from django_faceauth.services.flow.capture import options_for
from django_faceauth.services.flow.progress import can_reopen, is_under_way, word_for, wording_for
from django_faceauth.services.flow.start import begin, closed_until
from django_faceauth.services.grants import face_cookie, grants
from django_faceauth.services.grants.formatting import Line, kept_lines, label, moment
from django_faceauth.services.second_ways import registry
from django_faceauth.views.pages import (
    AGAIN,
    not_found,
    of_this_session,
    page,
    render_page,
    retry_with_cookie,
)

logger = logging.getLogger(__name__)

Source = StatusChange.Source
State = FaceChallenge.State


@page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@of_this_session
def start(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Show what is to be approved and why; on POST, send the browser to the capture page."""
    now = timezone.now()
    if word_for(challenge, now=now) not in {State.OPEN, RETRY}:
        return _show(request, challenge, now)
    if request.method != "POST":
        if NEXT in request.GET:  # the user follows the `start_url` that a script was given
            grants.go_on_to(challenge, local(iri_to_uri(request.GET[NEXT])))
            return redirect("faceauth:start", challenge.handle)
        closed = closed_until(challenge, now=now)
        if closed:
            return limited(request, closed, now, other_way(challenge))
        return _ask(request, challenge)
    by_sms, options = "sms" in request.POST, options_for(request, challenge.user)
    try:
        step = begin(
            challenge,
            redirect_url=way_back(request, challenge.handle),
            now=now,
            agreed_to=request.POST.get("consent", ""),
            options=options if by_sms else options.without_number(),
            origin=origin_of(request),
        )
    except NotEnrolled:
        context = {"fallback": other_way(challenge), **enrolment_of(challenge.user)}
        return render_page(request, "denied", challenge, status=403, **context)
    except ConsentRequired:
        return _ask(request, challenge, is_missed=True)
    except TooManyAttempts as closed:
        return limited(request, closed, now, other_way(challenge))
    except finish.TROUBLES as error:
        logger.error("start failed: %s challenge=%s", error, challenge.pk)
        return render_page(
            request,
            "unavailable",
            challenge,
            status=503,
            passes=getattr(error, "retryable", False),
            cause=str(error) if settings.DEBUG else "",
        )
    if step is None or by_sms:
        return redirect("faceauth:waiting", challenge.handle)
    # A page, not a redirect: browsers hold the redirect of a form against the site's
    # Content-Security-Policy form-action, which need not name the provider.
    return render_page(request, "hand_over", challenge, capture_url=step.capture_url)


@page
@require_safe
def returned(request: HttpRequest, handle: str) -> HttpResponse:
    """Receive the browser back from the capture page, and poll the provider.

    The query string is not even read. Public: a phone comes back here without a session, and
    learns nothing.
    """
    challenge = grants.find(request, handle)
    if challenge is None:
        return _returned_elsewhere(request, handle)
    now = timezone.now()
    finish.note_return(challenge, now=now)
    challenge, _trouble = finish.look(challenge, source=Source.RETURN, now=now)
    if challenge.return_url:
        return _send_back(request, challenge.return_url)
    if word_for(challenge, now=now) == State.OPEN:
        return redirect("faceauth:waiting", challenge.handle)
    return _show(request, challenge, now)


@page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Show that the capture is over to a browser that an API client has opened for it."""
    return render(request, "faceauth/done.html")


@page
@require_safe
@of_this_session
def waiting(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Wait for the provider, then continue or show the result."""
    now = timezone.now()
    if challenge.is_open and not is_under_way(challenge, now=now):
        return redirect("faceauth:start", challenge.handle)
    challenge, trouble = finish.look(challenge, source=Source.POLL, now=now)
    return _show(request, challenge, now, trouble=trouble)


@page
@require_safe
def status(request: HttpRequest, handle: str) -> HttpResponse:
    """Return the state of a challenge to its waiting page."""
    challenge = grants.find(request, handle)
    if challenge is None:
        if grants.find_replaced(request, handle) is None:
            return not_found(request)
        # The waiting page has another face cookie: it loads itself again.
        again = reverse("faceauth:waiting", args=[handle])
        return JsonResponse({"state": State.OPEN.value, "message": "", "next": again})
    now = timezone.now()
    challenge, trouble = finish.look(challenge, source=Source.POLL, now=now)
    word = word_for(challenge, now=now)
    data = {
        "state": word,
        "message": str(wording_for(challenge, word, now=now, trouble=trouble).message),
    }
    if word == State.GRANTED:
        face_cookie.see(request, challenge, now=now)
        return JsonResponse(data | {"next": way_on(challenge)})
    if word != State.OPEN:
        data["next"] = reverse("faceauth:waiting", args=[challenge.handle])
    elif not is_under_way(challenge, now=now):
        data["next"] = reverse("faceauth:start", args=[challenge.handle])
    if word == RETRY:
        data["retry"] = reverse("faceauth:start", args=[challenge.handle])
    return JsonResponse(data)


@page
@require_safe
@of_this_session
def resume(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Show what was approved and the button that does it: nothing is repeated by itself."""
    now = timezone.now()
    if challenge.state != State.GRANTED or challenge.saved_form_data is None:
        return _show(request, challenge, now)
    if not challenge.is_fresh(now=now):
        return _show_result(request, challenge, State.EXPIRED, WORDINGS[State.EXPIRED])
    face_cookie.see(request, challenge, now=now)
    kept = kept_lines(challenge.saved_form_data, challenge.snapshot)
    return render_page(request, "continue", challenge, kept=kept)


def _show(
    request: HttpRequest, challenge: FaceChallenge, now: datetime, trouble: Exception | None = None
) -> HttpResponse:
    word = word_for(challenge, now=now)
    if word == State.GRANTED:
        face_cookie.see(request, challenge, now=now)
        return redirect(way_on(challenge))
    wording = wording_for(challenge, word, now=now, trouble=trouble)
    if word != State.OPEN:
        return _show_result(request, challenge, word, wording)
    return render_page(
        request,
        "waiting",
        challenge,
        wording=wording,
        refresh=3,  # seconds
        can_reopen=can_reopen(challenge, now=now),
        status_url=reverse("faceauth:status", args=[challenge.handle]),
    )


def _show_result(
    request: HttpRequest, challenge: FaceChallenge, word: str, wording: Wording
) -> HttpResponse:
    """Show the result, and the fallback to users who cannot or will not pass."""
    fallback = other_way(challenge) if challenge.is_unanswered else ""
    return render_page(
        request,
        "result",
        challenge,
        status=403 if word == State.REFUSED and not fallback else 200,
        wording=wording,
        word=word,
        fallback=fallback,
    )


def _ask(
    request: HttpRequest, challenge: FaceChallenge, *, is_missed: bool = False
) -> HttpResponse:
    """Show the start page; `is_missed` if a consent was needed and not given."""
    return render_page(
        request,
        "start",
        challenge,
        status=400 if is_missed else 200,
        is_missed=is_missed,
        takes_consent=bool(conf.CONSENT_VERSION),
        sms_to=options_for(request, challenge.user).masked_number,
        fallback=other_way(challenge),
        has_second_way=bool(registry.open_for(challenge)),
    )


def limited(
    request: HttpRequest, closed: TooManyAttempts, now: datetime, fallback: str
) -> HttpResponse:
    """Show when the next attempt is possible, and the fallback."""
    until = closed.until.replace(second=0, microsecond=0)
    if until < closed.until:
        until += timedelta(minutes=1)  # a full minute, at which it is possible
    context = {
        "wording": LIMITED[closed.scope],
        "now": now,
        "until": until,
        "rule": closed.rule if settings.DEBUG else "",
        "fallback": "" if closed.scope == "reported" else fallback,
        "cancel_url": home(),
    }
    response = render(request, "faceauth/limited.html", context, status=429)
    response["Retry-After"] = str(closed.seconds(now))
    return response


def _returned_elsewhere(request: HttpRequest, handle: str) -> HttpResponse:
    """Answer a browser without the session: another device, or one that a client has opened."""
    started = grants.find_started(handle, now=timezone.now())
    if started is not None and started.return_url and AGAIN not in request.GET:
        return _send_back(request, started.return_url, is_elsewhere=True)
    replaced = grants.find_replaced(request, handle)
    if replaced is not None:
        return retry_with_cookie(request, replaced)
    if not request.user.is_authenticated and AGAIN not in request.GET:
        # With SESSION_COOKIE_SAMESITE="Strict" the cookie does not come along from another
        # site. Requested once more from a page of ours, it does. Until then there is no form,
        # whose CSRF token could begin a new session in place of the old one.
        again = f"{request.path}?{AGAIN}=1"
        return render(request, "faceauth/elsewhere.html", {"again": again})
    context = {} if started is None else _origin_of(started)
    is_stranger = request.user.is_authenticated and not context
    return render(request, "faceauth/elsewhere.html", context, status=404 if is_stranger else 200)


def _origin_of(challenge: FaceChallenge) -> dict[str, Any]:
    """Return what the device that showed the face is told: no values, and no status."""
    title = label(challenge.action) if challenge.action else _("a protected page")
    facts = {
        _("Purpose"): title,
        _("Requested"): moment(challenge.started_at or challenge.created_at),
        _("Browser"): challenge.browser,
    }
    lines = [Line(name, (value,)) for name, value in facts.items() if value]
    return {"lines": lines, "not_me_url": reverse("faceauth:not-me", args=[challenge.handle])}


def _send_back(
    request: HttpRequest, return_url: str, *, is_elsewhere: bool = False
) -> HttpResponse:
    """Go to the URL that an API client has named, if it is still on the site's list.

    By a page, not a redirect: apps have schemes of their own. For a browser without the session,
    it links to the page for phones that come back.
    """
    context = {"return_url": return_url, "is_elsewhere": is_elsewhere}
    if return_url in conf.REDIRECT_ALLOWLIST:
        return render(request, "faceauth/back.html", context)
    if is_elsewhere:
        return render(request, "faceauth/done.html", context)
    return redirect("faceauth:done")
