"""What a session has been granted. The only toucher of the session.

A session holds one random secret; rows hold a digest of that secret, of the user and of
the user's session authentication hash. So a grant survives the rotation of the session
key, and ends with the session, with another user and with another password (B-04 to
B-06), without anything to remember on those occasions.

A client without a session is known by its credential in the same way, and has to name the
challenge besides: the handle, which nobody else was told, is its secret (B-07).
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.models.challenge import EXEMPTION, FaceChallengeQuerySet
from django_faceauth.models.standing import Grant, standing
from django_faceauth.services import questions
from django_faceauth.services.announcements import announce
from django_faceauth.services.binding import Snapshot
from django_faceauth.services.questions import Question, Seat
from django_faceauth.signals import challenge_granted, exemption_used

logger = logging.getLogger(__name__)

State = FaceChallenge.State

SESSION_KEY: Final = "_faceauth"
#: Where `recognise` leaves its note on a request.
CREDENTIAL: Final = "_faceauth_credential"

#: What django-hijack and django-impersonate leave on the user, and these and
#: django-loginas in the session, while somebody acts as another.
IMPERSONATION_MARKS: Final = ("is_hijacked", "is_impersonate")
IMPERSONATION_KEYS: Final = ("hijack_history", "loginas_from_user", "_impersonate")


def prepare(request: HttpRequest) -> None:
    """Give the session its secret, so that two first pages at once do not give it two."""
    if request.session.get(SESSION_KEY) is None:
        request.session[SESSION_KEY] = secrets.token_urlsafe(32)


def recognise(request: HttpRequest, credential: str) -> None:
    """Note that a request was authenticated by a credential, and not by its session.

    `credential` is what stays the same of it when it is renewed; empty if nothing does.
    """
    setattr(request, CREDENTIAL, credential)


def is_impersonated(request: HttpRequest) -> bool:
    """Tell whether somebody else acts as this user, by what tools for that leave (TH-44)."""
    if any(getattr(request.user, mark, False) for mark in IMPERSONATION_MARKS):
        return True
    has_session = _credential_of(request) is None
    return has_session and any(request.session.get(key) for key in IMPERSONATION_KEYS)


def seat_of(request: HttpRequest) -> Seat:
    """Return who sits in which session; an empty digest if nothing was asked there (B-04)."""
    user, credential = _user(request), _credential_of(request)
    if not request.user.is_authenticated:
        return Seat(user, "")
    if credential is not None:
        return Seat(user, _digest("credential", credential, user), names_challenge=True)
    secret = request.session.get(SESSION_KEY)
    return Seat(user, _digest("session", secret, user) if isinstance(secret, str) else "")


def asked_by(seat: Seat) -> FaceChallengeQuerySet:
    """Return what the user was asked in that session."""
    if not seat.session_digest:
        return FaceChallenge.objects.none()
    return FaceChallenge.objects.of(user_id=seat.user.pk, session_digest=seat.session_digest)


def fresh(seat: Seat, *, action: str, max_age: timedelta, now: datetime) -> list[Grant]:
    """Return the grants for `action` that stand and are fresh, the newest first.

    The future is not fresh.
    """
    if not seat.session_digest:
        return []
    grants = standing(
        user_id=seat.user.pk,
        session_digest=seat.session_digest,
        action=action,
        since=now - max_age,
    )
    return [grant for grant in grants if not _is_of_the_future(grant, now)]


def one(asked: FaceChallengeQuerySet, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it is among what was asked (B-07)."""
    if "\0" in handle:  # PostgreSQL would not even look for it
        return None
    challenge = asked.filter(handle=handle).select_related("authentication", "user").first()
    return challenge if challenge is not None and challenge.handle == handle else None


def find(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it was asked here, of this user (B-07)."""
    return one(asked_by(seat_of(request)), handle)


def return_url_of(handle: str) -> str:
    """Return where a program wants the browser to go that comes back for a challenge.

    Whoever knows the handle is told, in whatever browser: it is an address that the site has
    listed, and says nothing about the user (B-09).
    """
    challenge = FaceChallenge.objects.filter(handle=handle).only("handle", "return_url").first()
    return challenge.return_url if challenge is not None and challenge.handle == handle else ""


def ask(
    request: HttpRequest,
    question: Question,
    *,
    window: timedelta,
    now: datetime,
    named: str = "",
) -> FaceChallenge:
    """Return the open challenge for a question in this session; there is never more than one.

    One whose attempt is older than `window` is out of date, and a new one takes its place.
    Clients without a session get the one that they have `named` and that is for this, or one
    of their own.
    """
    seat = _taken(request)
    slot = _slot_of(seat, named) if seat.names_challenge else questions.slot(seat, question)
    in_slot = FaceChallenge.objects.filter(open_slot=slot)
    in_slot.filter(started_at__lte=now - window).close(State.EXPIRED, reason="abandoned")
    challenge, created = FaceChallenge.objects.get_or_create(
        open_slot=slot, defaults=questions.columns(seat, question, now)
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
        **questions.columns(_taken(request), question, now),
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
    if challenge.seen_at is not None or _credential_of(request) is not None:
        return
    rotate = partial(_rotate, request, challenge.pk, now)
    if after_commit or connection.settings_dict["ATOMIC_REQUESTS"]:
        transaction.on_commit(rotate)
    else:
        rotate()


def consume(challenge: FaceChallenge | Grant, max_age: timedelta, *, now: datetime) -> bool:
    """Use up a grant; tell whether it was this caller who did (B-02)."""
    return FaceChallenge.objects.filter(pk=challenge.pk).consume(max_age, now=now) == 1


def _is_of_the_future(grant: Grant, now: datetime) -> bool:
    is_ahead = clocks.is_ahead(grant.verified_at, now=now)
    if is_ahead:
        logger.warning("refused, anchor in the future: %s", grant)
    return is_ahead


def _rotate(request: HttpRequest, pk: Any, now: datetime) -> None:
    unseen = FaceChallenge.objects.filter(pk=pk, seen_at=None)
    # Of several requests at once, one rotates; a view may have logged the user out.
    if SESSION_KEY in request.session and unseen.update(seen_at=now):
        request.session.cycle_key()


def _slot_of(seat: Seat, handle: str) -> str:
    """Return the slot of the open challenge with that handle, or one that nobody holds."""
    held = one(asked_by(seat).filter(state=State.OPEN), handle)
    return (held and held.open_slot) or secrets.token_hex(32)


def _taken(request: HttpRequest) -> Seat:
    """Return the seat of a request, after giving its session a secret if it has none."""
    if _credential_of(request) is None:
        prepare(request)
    return seat_of(request)


def _digest(kind: str, secret: str, user: AbstractBaseUser) -> str:
    whole = f"{secret}|{user.pk}|{user.get_session_auth_hash()}"
    return salted_hmac(f"django_faceauth.{kind}", whole, algorithm="sha256").hexdigest()


def _credential_of(request: HttpRequest) -> str | None:
    credential: str | None = getattr(request, CREDENTIAL, None)
    return credential


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)  # callers have made sure that it is not anonymous
