"""What the gate wants to know, and of whom: values, which know neither session nor request."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import constant_time_compare, salted_hmac

from django_faceauth.models.challenge import SESSION_PART
from django_faceauth.services.grants import binding
from django_faceauth.services.grants.binding import Snapshot

#: Names and values of form fields that a refused request keeps.
FormData = list[tuple[str, list[str]]]


#: Of a handle that is derived from another: 128 bits of randomness, and as many that prove it.
NONCE_LENGTH: Final = 22
MARK_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class Principal:
    """A user in a session, which is known by a digest.

    `former` are the digests that it had before the site's `SECRET_KEY` was rotated.
    In place of a session, `names_challenge` is a credential of the user. Several clients may
    have it, so that each can use only the challenge that it names.
    """

    user: AbstractBaseUser
    session_digest: str
    names_challenge: bool = False
    former: tuple[str, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """All digests under which rows may be known; none if nothing was asked there."""
        return (self.session_digest, *self.former) if self.session_digest else ()


@dataclass(frozen=True, slots=True)
class ChallengeSpec:
    """What the gate wants to know, and where the visitor goes on to with the answer.

    `saved_form_data` None means that the request does not come back; `resume_url` is where it went.
    `is_of_client` says that no browser navigated, so that nothing moves the visitor on.
    """

    action: str
    max_age: timedelta
    snapshot: Snapshot = field(default_factory=dict)
    reason: str = ""
    next_url: str = ""
    resume_url: str = ""
    saved_form_data: FormData | None = None
    is_of_client: bool = False

    @property
    def seconds(self) -> int:
        """The window in whole seconds."""
        return int(self.max_age.total_seconds())

    @property
    def way_on(self) -> dict[str, Any]:
        """The columns that the newest request for the same thing sets anew."""
        return {
            "next_url": self.next_url,
            "resume_url": self.resume_url,
            "saved_form_data": self.saved_form_data,
        }


def columns(seat: Principal, question: ChallengeSpec, now: datetime) -> dict[str, Any]:
    """Return the columns of a new challenge, with a handle that nobody knows yet."""
    return {
        **handle_columns(
            secrets.token_urlsafe(32), question.action, question.snapshot, seat.user.pk
        ),
        "user_id": seat.user.pk,
        "session_digest": seat.session_digest,
        "action": question.action,
        "snapshot": question.snapshot,
        "snapshot_order": list(question.snapshot),
        "max_age": question.seconds,
        "reason": question.reason,
        "created_at": now,
        **question.way_on,
    }


def handle_columns(handle: str, action: str, snapshot: Snapshot, user_id: Any) -> dict[str, str]:
    """Return the columns of a challenge that hold its handle."""
    bound = binding.digest(snapshot, nonce=handle, action=action, user_id=user_id)
    return {"handle": handle, "binding_digest": bound}


def handle_of_another_client(handle: str) -> str:
    """Return one more handle of a challenge that was not started: `is_handle_of` knows it.

    Clients with one credential share the row, and not what lets them use the approval: with
    the start, the handle of the client that starts takes the place of all others.
    """
    nonce = secrets.token_urlsafe(16)
    return nonce + _mark(handle, nonce)


def is_handle_of(known: str, handle: str) -> bool:
    """Tell whether `known` was derived from the handle of a challenge."""
    nonce, mark = known[:NONCE_LENGTH], known[NONCE_LENGTH:]
    return constant_time_compare(mark, _mark(handle, nonce))


def _mark(handle: str, nonce: str) -> str:
    return salted_hmac(
        "django_faceauth.handle", nonce, secret=handle, algorithm="sha256"
    ).hexdigest()[:MARK_LENGTH]


def slot(seat: Principal, question: ChallengeSpec) -> str:
    """Return what at most one open challenge has: the same question, of the same seat.

    It begins with the part of the digest that goes with our cookie, and that `rekey` replaces.
    """
    fingerprint = binding.fingerprint(question.snapshot)
    alone, cookie = seat.session_digest[:SESSION_PART], seat.session_digest[SESSION_PART:]
    whole = "|".join((str(seat.user.pk), alone, question.action, fingerprint))
    return cookie + hashlib.sha256(whole.encode()).hexdigest()[len(cookie) :]
