"""What a page shows of a challenge."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject

from django_faceauth.conf import conf
from django_faceauth.exceptions import TooManyAttempts
from django_faceauth.gate.redirects import fallback_for, home, local, way_on
from django_faceauth.messages import LIMITED, Wording
from django_faceauth.models import FaceChallenge
from django_faceauth.services.flow.progress import Word, can_reopen, word_for, wording_for
from django_faceauth.services.grants import grants
from django_faceauth.services.grants.formatting import lines
from django_faceauth.services.privacy import consent

#: Seconds between two looks of a waiting page.
REFRESH: Final = 3


def show(
    request: HttpRequest,
    challenge: FaceChallenge,
    now: datetime,
    trouble: Exception | None = None,
) -> HttpResponse:
    """Go on, wait, or say what happened."""
    word = word_for(challenge, now=now)
    if word is Word.GRANTED:
        grants.see(request, challenge, now=now)
        return redirect(way_on(challenge))
    wording = wording_for(challenge, word, now=now, trouble=trouble)
    if word is Word.OPEN:
        return render_page(
            request,
            "waiting",
            challenge,
            wording=wording,
            refresh=REFRESH,
            can_reopen=can_reopen(challenge, now=now),
        )
    return say(request, challenge, word, wording)


def say(
    request: HttpRequest, challenge: FaceChallenge, word: Word, wording: Wording
) -> HttpResponse:
    """Say what happened, and show the other way to people who cannot or will not."""
    fallback = fallback_for(challenge.handle) if challenge.is_unanswered else ""
    status = 403 if word is Word.REFUSED and not fallback else 200
    return render_page(
        request,
        "result",
        challenge,
        status=status,
        wording=wording,
        word=word.value,
        fallback=fallback,
    )


def show_start(
    request: HttpRequest, challenge: FaceChallenge, *, is_missed: bool = False
) -> HttpResponse:
    """Show the start page; `is_missed` says that a consent was needed and not given."""
    return render_page(
        request,
        "start",
        challenge,
        status=400 if is_missed else 200,
        is_missed=is_missed,
        takes_consent=bool(conf.CONSENT_VERSION),
        fallback=fallback_for(challenge.handle),
    )


def limited(
    request: HttpRequest, challenge: FaceChallenge, closed: TooManyAttempts, now: datetime
) -> HttpResponse:
    """Say when the face check opens again, and show the other way."""
    response = render_page(
        request,
        "limited",
        challenge,
        status=429,
        wording=LIMITED[closed.scope],
        now=now,
        until=_next_minute(closed.until),
        rule=closed.rule if settings.DEBUG else "",
        fallback="" if closed.scope == "reported" else fallback_for(challenge.handle),
    )
    response["Retry-After"] = str(closed.seconds(now))
    return response


def unavailable(request: HttpRequest, challenge: FaceChallenge, error: Exception) -> HttpResponse:
    """Say that the provider gave no usable answer; with DEBUG, also why."""
    return render_page(
        request,
        "unavailable",
        challenge,
        status=503,
        passes=getattr(error, "retryable", False),
        cause=str(error) if settings.DEBUG else "",
    )


def render_page(
    request: HttpRequest, name: str, challenge: FaceChallenge, status: int = 200, **context: Any
) -> HttpResponse:
    """Render `faceauth/<name>.html` with what all pages about a challenge show."""
    context |= {
        "challenge": challenge,
        # Asked for by pages with the form that starts, and by no others.
        "consent": SimpleLazyObject(partial(consent.required_text, challenge.user)),
        "next_url": local(challenge.next_url),
        "cancel_url": home(),
        "lines": lines(challenge.snapshot, challenge.snapshot_order),
        "reasons": [f"faceauth/reasons/{challenge.action}.html", "faceauth/reasons/default.html"],
    }
    return render(request, f"faceauth/{name}.html", context, status=status)


def _next_minute(moment: datetime) -> datetime:
    """Return the first full minute that is not before `moment`: nobody is told to come early."""
    part = timedelta(seconds=moment.second, microseconds=moment.microsecond)
    return moment - part + (timedelta(minutes=1) if part else timedelta(0))
