"""Describe the challenge that a gate asks for."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.utils.crypto import constant_time_compare, salted_hmac

from django_faceauth.conf import FLAG
from django_faceauth.models.challenge import SESSION_PART
from django_faceauth.services.grants import binding
from django_faceauth.services.grants.binding import Snapshot
from django_faceauth.services.grants.identity import Principal

#: Names and values of form fields that a refused request keeps.
FormData = list[tuple[str, list[str]]]

#: Lengths of the parts of a derived handle: 128 random bits, and a MAC of as many.
NONCE_LENGTH: Final = 22
MARK_LENGTH: Final = 32


class ChallengeSpec(NamedTuple):
    """What is to be approved, and where the user goes on to.

    `saved_form_data` is None unless a form is to be sent again, to `resume_url`. `is_of_client`
    says that no browser navigated, so the user's next page stays as it is. `accept` None means
    every method.
    """

    action: str
    max_age: timedelta
    snapshot: Snapshot
    reason: str = ""
    next_url: str = ""
    resume_url: str = ""
    saved_form_data: FormData | None = None
    is_of_client: bool = False
    accept: tuple[str, ...] | None = None
    network_policy: str = FLAG

    @property
    def seconds(self) -> int:
        return int(self.max_age.total_seconds())

    @property
    def way_on(self) -> dict[str, Any]:
        """The columns that a later request for the same spec overwrites."""
        return {
            "next_url": self.next_url,
            "resume_url": self.resume_url,
            "saved_form_data": self.saved_form_data,
        }


def columns(principal: Principal, spec: ChallengeSpec, now: datetime) -> dict[str, Any]:
    """Return the columns of a new challenge with a new handle."""
    return {
        **handle_columns(secrets.token_urlsafe(32), spec.action, spec.snapshot, principal.user.pk),
        "user_id": principal.user.pk,
        "session_digest": principal.session_digest,
        "action": spec.action,
        "snapshot": spec.snapshot,
        "snapshot_order": list(spec.snapshot),
        "max_age": spec.seconds,
        "reason": spec.reason,
        "accept": None if spec.accept is None else list(spec.accept),
        "network_policy": spec.network_policy,
        "created_at": now,
        **spec.way_on,
    }


def handle_columns(handle: str, action: str, snapshot: Snapshot, user_id: Any) -> dict[str, str]:
    """Return the columns of a challenge that hold its handle."""
    bound = binding.digest(snapshot, nonce=handle, action=action, user_id=user_id)
    return {"handle": handle, "binding_digest": bound}


def handle_of_another_client(handle: str) -> str:
    """Return another handle for a challenge that was not started.

    Clients with one credential share the row, but not the handle that lets them use the
    approval: the handle of the client that starts the challenge replaces all others.
    """
    nonce = secrets.token_urlsafe(16)
    return nonce + _mark(handle, nonce)


def is_handle_of(known: str, handle: str) -> bool:
    """Return whether `known` was derived from the handle of a challenge."""
    nonce, mark = known[:NONCE_LENGTH], known[NONCE_LENGTH:]
    return constant_time_compare(mark, _mark(handle, nonce))


def _mark(handle: str, nonce: str) -> str:
    return salted_hmac(
        "django_faceauth.handle", nonce, secret=handle, algorithm="sha256"
    ).hexdigest()[:MARK_LENGTH]


def slot(principal: Principal, spec: ChallengeSpec) -> str:
    """Return the key that at most one open challenge has: the same spec of one principal.

    It begins with the part of the digest that covers the face cookie, which `rekey` replaces.
    """
    fingerprint = binding.fingerprint(spec.snapshot)
    alone, cookie = principal.session_digest[:SESSION_PART], principal.session_digest[SESSION_PART:]
    parts = [str(principal.user.pk), alone, spec.action, fingerprint]
    if spec.accept is not None or spec.network_policy != FLAG:
        parts += [",".join(spec.accept or ()), spec.network_policy]
    whole = "|".join(parts)
    return cookie + hashlib.sha256(whole.encode()).hexdigest()[len(cookie) :]
