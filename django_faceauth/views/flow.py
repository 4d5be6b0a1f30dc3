"""The pages between a closed gate and an open one."""

from __future__ import annotations

import logging
from datetime import datetime

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConsentRequired, NotEnrolled, TooManyAttempts
from django_faceauth.gate.problem_details import NEXT
from django_faceauth.gate.redirects import fallback_for, local, way_back, way_on
from django_faceauth.messages import WORDINGS
from django_faceauth.models import FaceChallenge
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services.flow import finish
from django_faceauth.services.flow.progress import Word, is_under_way, word_for, wording_for
from django_faceauth.services.flow.start import begin, closed_until
from django_faceauth.services.grants import face_cookie, grants
from django_faceauth.services.grants.formatting import kept_lines
from django_faceauth.views.answers import limited, render_page, say, show, show_start, unavailable
from django_faceauth.views.page import AGAIN, look_again, not_found, of_this_session, page

logger = logging.getLogger(__name__)

Source = StatusChange.Source


@page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@of_this_session
def start(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Say what is asked and why; on POST, hand the browser over to the capture page."""
    now = timezone.now()
    if word_for(challenge, now=now) not in {Word.OPEN, Word.RETRY}:
        return show(request, challenge, now)
    if request.method == "POST":
        return _hand_over(request, challenge, now)
    if NEXT in request.GET:  # the user follows the `start_url` that a script was given
        grants.go_on_to(challenge, local(iri_to_uri(request.GET[NEXT])))
        return redirect("faceauth:start", challenge.handle)
    return _ask(request, challenge, now)


@page
@require_safe
def returned(request: HttpRequest, handle: str) -> HttpResponse:
    """Receive the browser back from the capture page, and ask the provider what happened.

    What the query string says is not even read. Public: a phone comes back here without
    a session, and learns nothing (B-09).
    """
    challenge = grants.find(request, handle)
    if challenge is None:
        return _not_ours(request, handle)
    now = timezone.now()
    finish.note_return(challenge, now=now)
    challenge, _trouble = finish.look(challenge, source=Source.RETURN, now=now)
    if challenge.return_url:
        return _send_back(request, challenge.return_url)
    if word_for(challenge, now=now) is Word.OPEN:
        return redirect("faceauth:waiting", challenge.handle)
    return show(request, challenge, now)


@page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Say that the capture is over to a browser that a program has opened for it."""
    return render(request, "faceauth/done.html")


@page
@require_safe
@of_this_session
def waiting(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Wait visibly for the provider, then go on or say what happened."""
    now = timezone.now()
    if challenge.is_open and not is_under_way(challenge, now=now):
        return redirect("faceauth:start", challenge.handle)
    challenge, trouble = finish.look(challenge, source=Source.POLL, now=now)
    return show(request, challenge, now, trouble=trouble)


@page
@require_safe
def status(request: HttpRequest, handle: str) -> HttpResponse:
    """Tell a waiting page, in one word of a closed set, where the challenge stands (U-09)."""
    challenge = grants.find(request, handle)
    if challenge is None:
        return _look_again(request, handle)
    now = timezone.now()
    challenge, trouble = finish.look(challenge, source=Source.POLL, now=now)
    word = word_for(challenge, now=now)
    told = {
        "state": word.value,
        "message": str(wording_for(challenge, word, now=now, trouble=trouble).message),
    }
    if word is Word.GRANTED:
        face_cookie.see(request, challenge, now=now)
        return JsonResponse(told | {"next": way_on(challenge)})
    if word is not Word.OPEN:
        told["next"] = reverse("faceauth:waiting", args=[challenge.handle])
    elif not is_under_way(challenge, now=now):
        told["next"] = reverse("faceauth:start", args=[challenge.handle])
    if word is Word.RETRY:
        told["retry"] = reverse("faceauth:start", args=[challenge.handle])
    return JsonResponse(told)


@page
@require_safe
@of_this_session
def resume(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Show what was approved, and the button that does it: nothing is repeated by itself."""
    now = timezone.now()
    if challenge.state != FaceChallenge.State.GRANTED or challenge.saved_form_data is None:
        return show(request, challenge, now)
    if not challenge.is_fresh(now=now):
        return say(request, challenge, Word.EXPIRED, WORDINGS[Word.EXPIRED])
    face_cookie.see(request, challenge, now=now)
    kept = kept_lines(challenge.saved_form_data, challenge.snapshot)
    return render_page(request, "continue", challenge, kept=kept)


def _look_again(request: HttpRequest, handle: str) -> HttpResponse:
    """Tell a waiting page with another cookie of ours to load itself again (B-05)."""
    if grants.find_replaced(request, handle) is None:
        return not_found(request)
    again = reverse("faceauth:waiting", args=[handle])
    return JsonResponse({"state": Word.OPEN.value, "message": "", "next": again})


def _ask(request: HttpRequest, challenge: FaceChallenge, now: datetime) -> HttpResponse:
    closed = closed_until(challenge, now=now)
    if closed is not None:
        return limited(request, challenge, closed, now)
    return show_start(request, challenge)


def _hand_over(request: HttpRequest, challenge: FaceChallenge, now: datetime) -> HttpResponse:
    back = way_back(request, challenge)
    agreed_to = request.POST.get("consent", "")
    try:
        step = begin(challenge, redirect_url=back, now=now, agreed_to=agreed_to)
    except NotEnrolled:
        return render_page(
            request, "denied", challenge, status=403, fallback=fallback_for(challenge.handle)
        )
    except ConsentRequired:
        return show_start(request, challenge, is_missed=True)
    except TooManyAttempts as closed:
        return limited(request, challenge, closed, now)
    except finish.TROUBLES as error:
        logger.error("start failed: %s challenge=%s", error, challenge.pk)
        return unavailable(request, challenge, error)
    if step is None:
        return redirect("faceauth:waiting", challenge.handle)
    # A page, not a redirect: browsers hold the redirect of a form against the site's
    # Content-Security-Policy form-action, which need not name the provider (U-06).
    return render_page(request, "hand_over", challenge, capture_url=step.capture_url)


def _not_ours(request: HttpRequest, handle: str) -> HttpResponse:
    """Answer a browser without the session: another device, or one that a program has opened."""
    return_url = grants.return_url_of(handle)
    if not return_url:
        challenge = grants.find_replaced(request, handle)
        return _elsewhere(request) if challenge is None else look_again(request, challenge)
    return _send_back(request, return_url)


def _send_back(request: HttpRequest, return_url: str) -> HttpResponse:
    """Go to the address that a program has named, if it is still on the site's list (U-02).

    By a page, not a redirect: apps have schemes of their own.
    """
    if return_url in conf.REDIRECT_ALLOWLIST:
        return render(request, "faceauth/back.html", {"return_url": return_url})
    return redirect("faceauth:done")


def _elsewhere(request: HttpRequest) -> HttpResponse:
    """Answer a browser that did not ask: a phone, or one that kept its cookie back.

    With SESSION_COOKIE_SAMESITE="Strict" the cookie does not come along from another
    site. Asked for once more from a page of ours, it does (B-08).
    """
    if request.user.is_authenticated:
        return render(request, "faceauth/elsewhere.html", status=404)
    again = "" if AGAIN in request.GET else f"{request.path}?{AGAIN}=1"
    return render(request, "faceauth/elsewhere.html", {"again": again})
