"""The other way: for people who cannot or will not show their face (V-04).

The site's own page proves who they are, in its own way, and says so here. Nothing that a
browser sends can do that by itself (T-1.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError, FlowError
from django_faceauth.gate.redirects import way_on
from django_faceauth.models import FaceChallenge, Lockout
from django_faceauth.models.challenge import EXEMPTION, FACE, METHOD_LENGTH
from django_faceauth.services.grants import grants
from django_faceauth.services.grants.formatting import Line, lines

#: Another way may take a letter or a call, but not for ever.
ANSWERABLE: Final = timedelta(hours=1)

NAME: Final = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{METHOD_LENGTH - 1}}}")


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What the fallback page is asked to approve: `lines` is what to show people of it."""

    handle: str
    action: str
    lines: tuple[Line, ...]


def pending_challenge(request: HttpRequest, handle: str) -> Unanswered | None:
    """Return the question that the fallback page may answer, or None.

    `handle` is what the page was given as `?challenge=`. None means: not asked of this user
    in this session, over, longer than an hour ago, or locked by a report ("that was not
    me"). Asks the database, so async views call it through `sync_to_async`. Raises
    `ConfigurationError` without `FACEAUTH_FALLBACK`.
    """
    _require_fallback()
    challenge = _find(request, handle, timezone.now())
    if challenge is None:
        return None
    shown = lines(challenge.snapshot, challenge.snapshot_order)
    return Unanswered(challenge.handle, challenge.action, tuple(shown))


def approve_by_other_method(request: HttpRequest, handle: str, *, method: str) -> str:
    """Answer a question for somebody whom the site has recognised in its own way.

    Call it only after that, never because a link or a form says so. Returns the address to
    redirect to. `method` names the way for whoever reads `request.face.method` or the rows:
    small letters, digits, `-` and `_`, at most 32. The grant lasts, binds and is used up as
    one by face.

    Raises `FlowError` when there is nothing to answer any more (what `unanswered` tells
    beforehand), `ValueError` for a method that is no name or is taken, and
    `ConfigurationError` without `FACEAUTH_FALLBACK`.
    """
    _require_fallback()
    _require_name(method)
    now = timezone.now()
    challenge = _find(request, handle, now)
    if challenge is None or not _grant(challenge, method, now):
        raise FlowError("there is no question here that could be answered in another way")
    return way_on(challenge)


def _require_fallback() -> None:
    if not conf.FALLBACK:
        raise ConfigurationError(f"{PREFIX}FALLBACK is not set: there is no other way here.")


def _require_name(method: str) -> None:
    if method in {FACE, EXEMPTION}:
        raise ValueError(f"{method} is no other way")
    if not NAME.fullmatch(method):
        raise ValueError("a method is at most 32 small letters, digits, hyphens and underscores")


def _find(request: HttpRequest, handle: str, now: datetime) -> FaceChallenge | None:
    user = request.user
    if not user.is_active or grants.is_impersonated(request):
        return None
    if Lockout.objects.in_force(user_id=user.pk, now=now).reported().exists():
        return None
    asked = grants.asked_by(grants.seat_of(request)).unanswered(since=now - ANSWERABLE)
    return grants.one(asked, handle)


def _grant(challenge: FaceChallenge, method: str, now: datetime) -> bool:
    return grants.approve_by_other_method(challenge, method=method, since=now - ANSWERABLE, now=now)
