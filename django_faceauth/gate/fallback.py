"""Approve a challenge by another method.

A page of the site recognises the user in its own way, and then calls
`approve_by_other_method`; `try_second_way` checks a code with what the site has installed.
Nothing that a browser sends approves by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError, FlowError
from django_faceauth.gate.redirects import way_on
from django_faceauth.models import FaceChallenge, Lockout
from django_faceauth.models.challenge import EXEMPTION, FACE, METHOD_NAME
from django_faceauth.services.grants import grants, identity
from django_faceauth.services.grants.formatting import Line, lines
from django_faceauth.services.second_ways import Result, registry

#: How long a challenge can be approved by another method.
ANSWERABLE: Final = timedelta(hours=1)


class Unanswered(NamedTuple):
    """A challenge that the fallback page may approve; it shows the user the `lines`."""

    handle: str
    action: str
    lines: tuple[Line, ...]


def pending_challenge(request: HttpRequest, handle: str) -> Unanswered | None:
    """Return the challenge that the fallback page may approve, or None.

    `handle` is what the page was given as `?challenge=`. None means that the challenge is not
    of this user in this session, is over, is older than an hour, is locked by a report of the
    user, or is of a gate that accepts a face alone. Queries the database, so async views call
    it through `sync_to_async`. Raises `ConfigurationError` without `FACEAUTH_FALLBACK`.
    """
    _require_fallback()
    challenge = answerable(request, handle, timezone.now())
    if challenge is None:
        return None
    shown = lines(challenge.snapshot, challenge.snapshot_order)
    return Unanswered(challenge.handle, challenge.action, tuple(shown))


def approve_by_other_method(request: HttpRequest, handle: str, *, method: str) -> str:
    """Approve a challenge for a user whom the site has recognised in its own way.

    Call it only after that, never because a link or a form says so. Returns the URL to
    redirect to. `method` becomes `request.face.method`: small letters, digits, `-` and `_`, at
    most 32. The grant lasts, binds and is used up like one by face.

    Raises `FlowError` if `pending_challenge` would return None or the gate does not accept the
    method, `ValueError` for a method that is malformed or reserved, and `ConfigurationError`
    without `FACEAUTH_FALLBACK`.
    """
    _require_fallback()
    if method in {FACE, EXEMPTION}:
        raise ValueError(f"the method {method} is reserved")
    if not METHOD_NAME.fullmatch(method):
        raise ValueError("a method is at most 32 small letters, digits, hyphens and underscores")
    now = timezone.now()
    challenge = answerable(request, handle, now)
    if challenge is None or not _approve(challenge, method, now):
        raise FlowError("this challenge cannot be approved by another method")
    return way_on(challenge)


@sensitive_variables("code")
def try_second_way(request: HttpRequest, handle: str, way: str, code: str) -> Result:
    """Check what a user has entered in a second way; approve the challenge if it is right.

    `code` is the assertion as JSON for a passkey. The result is `CLOSED` if the challenge
    cannot be answered in this way, and no code is checked then.
    """
    now = timezone.now()
    challenge = answerable(request, handle, now)
    if challenge is None or way not in registry.open_for(challenge):
        return Result.CLOSED
    result = registry.verify(request, challenge, way, code)
    if result is Result.ACCEPTED and not _approve(challenge, way, now):
        return Result.CLOSED
    return result


def _require_fallback() -> None:
    if not conf.FALLBACK:
        raise ConfigurationError(f"{PREFIX}FALLBACK is not set.")


def _approve(challenge: FaceChallenge, method: str, now: datetime) -> bool:
    since = now - ANSWERABLE
    return challenge.counts(method) and grants.approve_by_other_method(
        challenge, method=method, since=since, now=now
    )


def answerable(request: HttpRequest, handle: str, now: datetime) -> FaceChallenge | None:
    """Return the challenge if another method may answer it, for this user in this session."""
    user = request.user
    if not user.is_active or identity.is_impersonated(request):
        return None
    if Lockout.objects.in_force(user_id=user.pk, now=now).reported().exists():
        return None
    asked = grants.asked_by(identity.principal_of(request)).unanswered(since=now - ANSWERABLE)
    challenge = grants.one(asked, handle)
    return challenge if challenge and challenge.accept != [FACE] else None
