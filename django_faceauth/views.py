"""The pages between a closed gate and an open one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any, Final, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required, login_required
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConsentRequired, NotEnrolled, TooManyAttempts
from django_faceauth.gate.destination import fallback_for, home, local, way_back, way_on
from django_faceauth.headers import sealed
from django_faceauth.models import FaceChallenge
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services import alerts, flow, grants, reports, review
from django_faceauth.services import consent as consents
from django_faceauth.services.flow import Word
from django_faceauth.services.presentation import kept_lines, lines
from django_faceauth.services.telling import can_reopen, wording_for
from django_faceauth.wording import LIMITED, WORDINGS, Wording

logger = logging.getLogger(__name__)

#: Seconds between two looks of a waiting page.
REFRESH: Final = 3

Source = StatusChange.Source


def _page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Seal a page, and let it speak for itself to people who are not logged in.

    Nothing runs in one transaction here: what the flow remembers before it calls the
    provider must be committed before it.
    """

    @wraps(view)
    def page(request: HttpRequest, **named: str) -> HttpResponseBase:
        return sealed(view(request, **named))

    return non_atomic_requests(login_not_required(page))


def _of_this_session(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Give the view its challenge; unknown and foreign handles look the same."""

    @wraps(view)
    def found(request: HttpRequest, handle: str) -> HttpResponseBase:
        challenge = grants.find(request, handle)
        if challenge is None:
            return _not_found(request)
        return view(request, challenge)

    return found


@_page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@_of_this_session
def start(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Say what is asked and why; on POST, hand the browser over to the capture page."""
    now = timezone.now()
    if flow.word_for(challenge, now=now) not in {Word.OPEN, Word.RETRY}:
        return _show(request, challenge, now)
    if request.method != "POST":
        return _ask(request, challenge, now)
    return _hand_over(request, challenge, now)


@_page
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
    challenge, _trouble = flow.look(challenge, source=Source.RETURN, now=now)
    if challenge.return_url:
        return _send_back(request, challenge.return_url)
    if flow.word_for(challenge, now=now) is Word.OPEN:
        return redirect("faceauth:waiting", challenge.handle)
    return _show(request, challenge, now)


@_page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Say that the capture is over to a browser that a program has opened for it."""
    return render(request, "faceauth/done.html")


@_page
@require_safe
@_of_this_session
def waiting(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Wait visibly for the provider, then go on or say what happened."""
    now = timezone.now()
    if challenge.is_open and not flow.is_under_way(challenge, now=now):
        return redirect("faceauth:start", challenge.handle)
    challenge, trouble = flow.look(challenge, source=Source.POLL, now=now)
    return _show(request, challenge, now, trouble=trouble)


@_page
@require_safe
@_of_this_session
def status(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Tell a waiting page, in one word of a closed set, where the challenge stands (U-09)."""
    now = timezone.now()
    challenge, trouble = flow.look(challenge, source=Source.POLL, now=now)
    word = flow.word_for(challenge, now=now)
    told = {"state": word.value, "message": str(wording_for(challenge, word, trouble).message)}
    if word is Word.GRANTED:
        grants.see(request, challenge, now=now)
        return JsonResponse(told | {"next": way_on(challenge)})
    if word is not Word.OPEN:
        told["next"] = reverse("faceauth:waiting", args=[challenge.handle])
    elif not flow.is_under_way(challenge, now=now):
        told["next"] = reverse("faceauth:start", args=[challenge.handle])
    if word is Word.RETRY:
        told["retry"] = reverse("faceauth:start", args=[challenge.handle])
    return JsonResponse(told)


@_page
@require_safe
@_of_this_session
def resume(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Show what was approved, and the button that does it: nothing is repeated by itself."""
    now = timezone.now()
    if challenge.state != FaceChallenge.State.GRANTED or challenge.kept is None:
        return _show(request, challenge, now)
    if not challenge.is_fresh(now=now):
        return _say(request, challenge, Word.EXPIRED, WORDINGS[Word.EXPIRED])
    grants.see(request, challenge, now=now)
    kept = kept_lines(challenge.kept, challenge.snapshot)
    return _render(request, "continue", challenge, kept=kept)


@_page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Hear from somebody who was mailed about a face check: that was not me (C-05).

    Public: whoever reads the mail is believed, and can only take away. Looking changes
    nothing, since programs look at links too.
    """
    challenge = alerts.challenge_of(token)
    if challenge is None:
        return _not_found(request)
    if request.method == "POST":
        reports.report(challenge, now=timezone.now())
        return redirect("faceauth:report", token)
    page = "report" if challenge.reported_at is None else "reported"
    context = {"token": token, "cancel_url": home(), **alerts.facts(challenge)}
    return render(request, f"faceauth/{page}.html", context)


@_page
@csrf_protect
@require_POST
@_of_this_session
def contest(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Have a person look at a decline (V-10). Without a gate: it opens nothing."""
    if not review.contest(challenge, now=timezone.now()):
        return _not_found(request)
    return render(request, "faceauth/contested.html", {"cancel_url": home()})


@_page
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def consent(request: HttpRequest) -> HttpResponse:
    """Show whether the user has agreed to face checks; on POST, take it back (V-03).

    Without a gate: taking it back must be as easy as giving it, and opens nothing.
    """
    user = cast(AbstractBaseUser, request.user)
    is_impersonated = grants.is_impersonated(request)
    if request.method == "POST" and not is_impersonated:
        consents.withdraw(user, now=timezone.now())
        return redirect("faceauth:consent")
    context = {
        "latest": consents.latest(user),
        "words": consents.words(),
        "is_needed": consents.is_needed(user),
        "is_impersonated": is_impersonated,
        "fallback": fallback_for(),
        "cancel_url": home(),
    }
    status = 403 if request.method == "POST" else 200
    return render(request, "faceauth/your_consent.html", context, status=status)


def _ask(request: HttpRequest, challenge: FaceChallenge, now: datetime) -> HttpResponse:
    closed = flow.closed_until(challenge, now=now)
    if closed is not None:
        return _limited(request, challenge, closed, now)
    return _show_start(request, challenge)


def _show_start(
    request: HttpRequest, challenge: FaceChallenge, *, is_missed: bool = False
) -> HttpResponse:
    """Show the start page; `is_missed` says that a consent was needed and not given."""
    return _render(
        request,
        "start",
        challenge,
        status=400 if is_missed else 200,
        is_missed=is_missed,
        takes_consent=bool(conf.CONSENT_VERSION),
        fallback=fallback_for(challenge.handle),
    )


def _hand_over(request: HttpRequest, challenge: FaceChallenge, now: datetime) -> HttpResponse:
    back = way_back(request, challenge)
    agreed_to = request.POST.get("consent", "")
    try:
        step = flow.begin(challenge, redirect_url=back, now=now, agreed_to=agreed_to)
    except NotEnrolled:
        return _render(
            request, "denied", challenge, status=403, fallback=fallback_for(challenge.handle)
        )
    except ConsentRequired:
        return _show_start(request, challenge, is_missed=True)
    except TooManyAttempts as closed:
        return _limited(request, challenge, closed, now)
    except flow.TROUBLES as error:
        logger.error("start failed: %s challenge=%s", error, challenge.pk)
        return _render(request, "unavailable", challenge, status=503)
    if step is None:
        return redirect("faceauth:waiting", challenge.handle)
    # A page, not a redirect: browsers hold the redirect of a form against the site's
    # Content-Security-Policy form-action, which need not name the provider (U-06).
    return _render(request, "hand_over", challenge, capture_url=step.capture_url)


def _limited(
    request: HttpRequest, challenge: FaceChallenge, closed: TooManyAttempts, now: datetime
) -> HttpResponse:
    """Say when the face check opens again, and show the other way."""
    response = _render(
        request,
        "limited",
        challenge,
        status=429,
        wording=LIMITED[closed.scope],
        now=now,
        until=_next_minute(closed.until),
        fallback="" if closed.scope == "reported" else fallback_for(challenge.handle),
    )
    response["Retry-After"] = str(closed.seconds(now))
    return response


def _next_minute(moment: datetime) -> datetime:
    """Return the first full minute that is not before `moment`: nobody is told to come early."""
    part = timedelta(seconds=moment.second, microseconds=moment.microsecond)
    return moment - part + (timedelta(minutes=1) if part else timedelta(0))


def _show(
    request: HttpRequest,
    challenge: FaceChallenge,
    now: datetime,
    trouble: Exception | None = None,
) -> HttpResponse:
    """Go on, wait, or say what happened."""
    word = flow.word_for(challenge, now=now)
    if word is Word.GRANTED:
        grants.see(request, challenge, now=now)
        return redirect(way_on(challenge))
    wording = wording_for(challenge, word, trouble)
    if word is Word.OPEN:
        return _render(
            request,
            "waiting",
            challenge,
            wording=wording,
            refresh=REFRESH,
            can_reopen=can_reopen(challenge),
        )
    return _say(request, challenge, word, wording)


def _say(
    request: HttpRequest, challenge: FaceChallenge, word: Word, wording: Wording
) -> HttpResponse:
    """Say what happened, and show the other way to people who cannot or will not."""
    fallback = fallback_for(challenge.handle) if challenge.is_unanswered else ""
    status = 403 if word is Word.REFUSED and not fallback else 200
    return _render(
        request,
        "result",
        challenge,
        status=status,
        wording=wording,
        word=word.value,
        fallback=fallback,
    )


def _not_found(request: HttpRequest) -> HttpResponse:
    grants.spare_cookie(request)
    return render(request, "faceauth/not_found.html", {"cancel_url": home()}, status=404)


def _not_ours(request: HttpRequest, handle: str) -> HttpResponse:
    """Answer a browser without the session: another device, or one that a program has opened."""
    return_url = grants.return_url_of(handle)
    if not return_url:
        return _elsewhere(request)
    grants.spare_cookie(request)
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
    grants.spare_cookie(request)
    again = "" if "again" in request.GET else f"{request.path}?again=1"
    return render(request, "faceauth/elsewhere.html", {"again": again})


def _render(
    request: HttpRequest, name: str, challenge: FaceChallenge, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {
        "challenge": challenge,
        # Asked for by pages with the form that starts, and by no others.
        "consent": SimpleLazyObject(partial(consents.asked_of, challenge.user)),
        "next_url": local(challenge.next_url),
        "cancel_url": home(),
        "lines": lines(challenge.snapshot, challenge.snapshot_order),
        "reasons": [f"faceauth/reasons/{challenge.action}.html", "faceauth/reasons/default.html"],
    }
    return render(request, f"faceauth/{name}.html", context, status=status)
