"""What a session has been granted. The only toucher of the session.

A session holds one random secret; rows hold a digest of that secret, of the user and of
the user's session authentication hash. So a grant survives the rotation of the session
key, and ends with the session, with another user and with another password (B-04 to
B-06), without anything to remember on those occasions.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from django_faceauth import metrics
from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.models.challenge import FaceChallengeQuerySet
from django_faceauth.services.announcements import announce
from django_faceauth.signals import challenge_granted, challenge_revoked

SESSION_KEY: Final = "_faceauth"


def prepare(request: HttpRequest) -> None:
    """Give the session its secret, so that two first pages at once do not give it two."""
    _secret(request)


def current(
    request: HttpRequest, *, action: str, max_age: timedelta, now: datetime
) -> FaceChallenge | None:
    """Return the newest grant of this user in this session for `action`, if it is fresh."""
    challenges = _asked_here(request)
    if challenges is None:
        return None
    fresh = challenges.filter(action=action).approved().shown_within(max_age, now=now)
    newest_first = fresh.order_by("-verified_at")
    # Compared once more here: some databases take "Payout" for "payout".
    return next((one for one in newest_first if one.action == action and one.is_backed), None)


def find(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it was asked here, of this user (B-07)."""
    challenges = _asked_here(request)
    if challenges is None:
        return None
    challenge = challenges.filter(handle=handle).select_related("authentication", "user").first()
    return challenge if challenge is not None and challenge.handle == handle else None


def ask(
    request: HttpRequest,
    *,
    action: str,
    max_age: timedelta,
    window: timedelta,
    next_url: str,
    now: datetime,
) -> FaceChallenge:
    """Return the open challenge for `action` in this session; there is never more than one.

    One whose attempt is older than `window` is out of date, and a new one takes its place.
    """
    user, digest = _user(request), _session_digest(request, _secret(request))
    slot = hashlib.sha256(f"{user.pk}|{digest}|{action}|".encode()).hexdigest()
    in_slot = FaceChallenge.objects.filter(open_slot=slot)
    in_slot.filter(started_at__lte=now - window).close(
        FaceChallenge.State.EXPIRED, reason="abandoned"
    )
    seconds = int(max_age.total_seconds())
    challenge, created = FaceChallenge.objects.get_or_create(
        open_slot=slot,
        defaults={
            "handle": secrets.token_urlsafe(32),
            "user_id": user.pk,
            "session_digest": digest,
            "action": action,
            "created_at": now,
            "max_age": seconds,
            "next_url": next_url,
        },
    )
    if not created:
        # The newest page that asked is the one to go on to. The longest window decides
        # when an approval is of no more use; each gate holds to its own.
        in_slot.update(max_age=Greatest("max_age", seconds), next_url=next_url)
    return challenge


def spare_cookie(request: HttpRequest) -> None:
    """Let the answer to a request without a session leave the browser's cookie alone.

    When one tab sees a grant, the session key is rotated; a request of another tab that
    was on its way arrives with the former key, and must not take away the new one.
    """
    if request.session.is_empty():
        request.COOKIES.pop(conf.SESSION_COOKIE_NAME, None)


def issue(challenge: FaceChallenge, *, verified_at: datetime, now: datetime) -> bool:
    """Grant an open challenge; `verified_at` is the anchor, set here once and for all (G-05)."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    granted = asked.close(FaceChallenge.State.GRANTED, verified_at=verified_at, granted_at=now)
    if granted:
        announce(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted == 1


def see(request: HttpRequest, challenge: FaceChallenge, *, now: datetime) -> None:
    """Rotate the session key at the first request that sees the grant (B-05)."""
    if challenge.seen_at is not None:
        return
    unseen = FaceChallenge.objects.filter(pk=challenge.pk, seen_at=None)
    if unseen.update(seen_at=now):  # of several requests at once, one rotates
        request.session.cycle_key()


def revoke(authentication: FaceAuthentication, *, reason: str, now: datetime) -> int:
    """Take back what was granted on an authentication; return how many grants that were.

    What was used up cannot be taken back: it is told all the same, once (D-10).
    """
    challenges = FaceChallenge.objects.filter(authentication_id=authentication.pk)
    if not challenges.granted_once().exists():  # as nearly always
        return 0
    revoked = challenges.revoke(reason=reason, now=now)
    challenges.regret(reason=reason, now=now)
    for challenge in challenges.filter(revoked_at=now):
        _tell_of_revocation(challenge, reason)
    return revoked


def _tell_of_revocation(challenge: FaceChallenge, reason: str) -> None:
    metrics.count("challenge_revoked")
    was_used = challenge.seen_at is not None or challenge.consumed_at is not None
    announce(
        challenge_revoked,
        sender=FaceChallenge,
        challenge=challenge,
        reason=reason,
        executed=(challenge.action,) if was_used else (),
    )


def _asked_here(request: HttpRequest) -> FaceChallengeQuerySet | None:
    secret = request.session.get(SESSION_KEY)
    if not isinstance(secret, str) or not request.user.is_authenticated:
        return None
    digest = _session_digest(request, secret)
    return FaceChallenge.objects.of(user_id=request.user.pk, session_digest=digest)


def _secret(request: HttpRequest) -> str:
    secret: str | None = request.session.get(SESSION_KEY)
    if secret is None:
        secret = request.session[SESSION_KEY] = secrets.token_urlsafe(32)
    return secret


def _session_digest(request: HttpRequest, secret: str) -> str:
    user = _user(request)
    whole = f"{secret}|{user.pk}|{user.get_session_auth_hash()}"
    return salted_hmac("django_faceauth.session", whole, algorithm="sha256").hexdigest()


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)  # callers have made sure that it is not anonymous
