"""What a session has been granted. The only toucher of the session.

A session holds one random secret; rows hold a digest of that secret, of the user and of
the user's session authentication hash. So a grant survives the rotation of the session
key, and ends with the session, with another user and with another password (B-04 to
B-06), without anything to remember on those occasions.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from django_faceauth.conf import conf
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.models.challenge import EXEMPTION, FaceChallengeQuerySet
from django_faceauth.models.standing import Grant, standing
from django_faceauth.services import binding
from django_faceauth.services.announcements import announce
from django_faceauth.services.binding import Snapshot
from django_faceauth.signals import challenge_granted, exemption_used

State = FaceChallenge.State

SESSION_KEY: Final = "_faceauth"

#: What django-hijack and django-impersonate leave on the user, and these and
#: django-loginas in the session, while somebody acts as another.
IMPERSONATION_MARKS: Final = ("is_hijacked", "is_impersonate")
IMPERSONATION_KEYS: Final = ("hijack_history", "loginas_from_user", "_impersonate")

#: The fields of a refused request that come back later: names and all their values.
Kept = list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Seat:
    """A user in a session, which is known by a digest."""

    user: AbstractBaseUser
    session_digest: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the gate wants to know, and where the visitor goes on to with the answer.

    `kept` None means that the request does not come back; `resume_url` is where it went.
    """

    action: str
    max_age: timedelta
    snapshot: Snapshot = field(default_factory=dict)
    reason: str = ""
    next_url: str = ""
    resume_url: str = ""
    kept: Kept | None = None

    @property
    def seconds(self) -> int:
        """The window in whole seconds."""
        return int(self.max_age.total_seconds())

    @property
    def way_on(self) -> dict[str, Any]:
        """The columns that the newest request for the same thing sets anew."""
        return {"next_url": self.next_url, "resume_url": self.resume_url, "kept": self.kept}


def prepare(request: HttpRequest) -> None:
    """Give the session its secret, so that two first pages at once do not give it two."""
    _secret(request)


def is_impersonated(request: HttpRequest) -> bool:
    """Tell whether somebody else acts as this user, by what tools for that leave (TH-44)."""
    marked = any(getattr(request.user, mark, False) for mark in IMPERSONATION_MARKS)
    return marked or any(request.session.get(key) for key in IMPERSONATION_KEYS)


def seat_of(request: HttpRequest) -> Seat:
    """Return who sits in which session; an empty digest if nothing was asked there (B-04)."""
    secret = request.session.get(SESSION_KEY)
    if not isinstance(secret, str) or not request.user.is_authenticated:
        return Seat(_user(request), "")
    return Seat(_user(request), _session_digest(request, secret))


def asked_by(seat: Seat) -> FaceChallengeQuerySet:
    """Return what the user was asked in that session."""
    if not seat.session_digest:
        return FaceChallenge.objects.none()
    return FaceChallenge.objects.of(user_id=seat.user.pk, session_digest=seat.session_digest)


def fresh(seat: Seat, *, action: str, max_age: timedelta, now: datetime) -> list[Grant]:
    """Return the grants for `action` that stand and are fresh, the newest first.

    The future is not fresh (G-06).
    """
    if not seat.session_digest:
        return []
    return standing(
        user_id=seat.user.pk,
        session_digest=seat.session_digest,
        action=action,
        since=now - max_age,
        until=now,
    )


def one(asked: FaceChallengeQuerySet, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it is among what was asked (B-07)."""
    challenge = asked.filter(handle=handle).select_related("authentication", "user").first()
    return challenge if challenge is not None and challenge.handle == handle else None


def find(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it was asked here, of this user (B-07)."""
    return one(asked_by(seat_of(request)), handle)


def ask(
    request: HttpRequest,
    question: Question,
    *,
    window: timedelta,
    now: datetime,
) -> FaceChallenge:
    """Return the open challenge for a question in this session; there is never more than one.

    One whose attempt is older than `window` is out of date, and a new one takes its place.
    """
    slot = _slot(request, question)
    in_slot = FaceChallenge.objects.filter(open_slot=slot)
    in_slot.filter(started_at__lte=now - window).close(State.EXPIRED, reason="abandoned")
    challenge, created = FaceChallenge.objects.get_or_create(
        open_slot=slot, defaults=_new(request, question, now)
    )
    if not created:
        # The newest page that asked is the one to go on to. The longest window decides
        # when an approval is of no more use; each gate holds to its own.
        in_slot.update(
            max_age=Greatest("max_age", question.seconds), **question.way_on, reason=question.reason
        )
    return challenge


def answer_otherwise(
    challenge: FaceChallenge, *, method: str, since: datetime, now: datetime
) -> bool:
    """Grant an unanswered question by another way of the site; tell whether it was one."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    granted = asked.answer(method, since=since, now=now) == 1
    if granted:
        announce(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted


def note_exemption(
    request: HttpRequest,
    exemption: FaceExemption,
    *,
    action: str,
    snapshot: Snapshot,
    now: datetime,
) -> FaceChallenge:
    """Leave a used challenge behind that says by which exemption somebody passed."""
    question = Question(action, timedelta(0), snapshot, reason=f"exemption {exemption.pk}")
    used = FaceChallenge.objects.create(
        **_new(request, question, now),
        state=State.CONSUMED,
        method=EXEMPTION,
        verified_at=now,
        granted_at=now,
        consumed_at=now,
    )
    announce(exemption_used, sender=FaceExemption, exemption=exemption, challenge=used)
    return used


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
    granted = asked.close(State.GRANTED, reason="approved", verified_at=verified_at, granted_at=now)
    if granted:
        announce(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted == 1


def see(
    request: HttpRequest,
    challenge: FaceChallenge | Grant,
    *,
    now: datetime,
    after_commit: bool = False,
) -> None:
    """Rotate the session key at the first request that sees the grant (B-05).

    After the commit where a view that raises takes its rows back: the row of the session
    that the browser is told of must not be among them.
    """
    if challenge.seen_at is not None:
        return
    rotate = partial(_rotate, request, challenge.pk, now)
    if after_commit or connection.settings_dict["ATOMIC_REQUESTS"]:
        transaction.on_commit(rotate)
    else:
        rotate()


def consume(challenge: FaceChallenge | Grant, max_age: timedelta, *, now: datetime) -> bool:
    """Use up a grant; tell whether it was this caller who did (B-02)."""
    return FaceChallenge.objects.filter(pk=challenge.pk).consume(max_age, now=now) == 1


def _rotate(request: HttpRequest, pk: Any, now: datetime) -> None:
    unseen = FaceChallenge.objects.filter(pk=pk, seen_at=None)
    # Of several requests at once, one rotates; a view may have logged the user out.
    if SESSION_KEY in request.session and unseen.update(seen_at=now):
        request.session.cycle_key()


def _new(request: HttpRequest, question: Question, now: datetime) -> dict[str, Any]:
    handle = secrets.token_urlsafe(32)
    user = _user(request)
    return {
        "handle": handle,
        "user_id": user.pk,
        "session_digest": _session_digest(request, _secret(request)),
        "action": question.action,
        "binding_digest": binding.digest(
            question.snapshot, nonce=handle, action=question.action, user_id=user.pk
        ),
        "snapshot": question.snapshot,
        "snapshot_order": list(question.snapshot),
        "max_age": question.seconds,
        "reason": question.reason,
        "created_at": now,
        **question.way_on,
    }


def _slot(request: HttpRequest, question: Question) -> str:
    digest = _session_digest(request, _secret(request))
    whole = "|".join(
        (str(_user(request).pk), digest, question.action, binding.fingerprint(question.snapshot))
    )
    return hashlib.sha256(whole.encode()).hexdigest()


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
