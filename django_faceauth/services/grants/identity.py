"""Identify the user and the session of a request.

A session holds one random secret; rows hold a digest of that secret, of the user and of the
user's session authentication hash. So a grant survives the rotation of the session key, and
ends with the session, with another user and with another password, without any bookkeeping.

The second half of the digest also covers a secret in the face cookie (`face_cookie`). A client
without a session is identified by its credential in the same way, and must also name the
challenge: the handle, which only that client was told, is its secret.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from django_faceauth.conf import conf
from django_faceauth.models.challenge import SESSION_PART

SESSION_KEY: Final = "_faceauth"
#: The attribute of a request that `recognise` sets.
CREDENTIAL: Final = "_faceauth_credential"

#: Marks of impersonation: django-hijack and django-impersonate set attributes of the user,
#: the five keys of the session are those of django-hijack, django-loginas, django-impersonate,
#: django-su and django-disguise.
IMPERSONATION_MARKS: Final = ("is_hijacked", "is_impersonate")
IMPERSONATION_KEYS: Final = (
    "hijack_history",
    "loginas_from_user",
    "_impersonate",
    "exit_users_pk",
    "django_disguise:original_user",
)


class Principal(NamedTuple):
    """A user in a session, identified by a digest.

    `former` are the digests from before the site's `SECRET_KEY` was rotated. If
    `names_challenge` is set, the digest is of a credential instead; several clients may share
    it, so each can use only the challenge that it names.
    """

    user: AbstractBaseUser
    session_digest: str
    names_challenge: bool = False
    former: tuple[str, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """All digests that rows may have; empty if the session has no secret yet."""
        return (self.session_digest, *self.former) if self.session_digest else ()


def principal_of(request: HttpRequest) -> Principal:
    """Return the user and session of a request; the digest is empty before the first challenge."""
    credential: str | None = getattr(request, CREDENTIAL, None)
    if credential is not None and request.user.is_authenticated:
        user = cast(AbstractBaseUser, request.user)
        digest, *former = (_digest("credential", credential, user.pk, key) for key in _keys(user))
        return Principal(user, digest, names_challenge=True, former=tuple(former))
    return session_principal(request, request.COOKIES.get(cookie_name(), ""))


def session_principal(request: HttpRequest, cookie: str) -> Principal:
    """Return the user and session of a request with that secret in the face cookie."""
    user = cast(AbstractBaseUser, request.user)
    if not request.user.is_authenticated:
        return Principal(user, "")
    secret = request.session.get(SESSION_KEY)
    if not isinstance(secret, str):
        return Principal(user, "")
    user_id = user.pk
    digest, *former = (
        _digest("session", secret, user_id, key)[:SESSION_PART]
        + _digest("cookie", secret, user_id, key, cookie)[SESSION_PART:]
        for key in _keys(user)
    )
    return Principal(user, digest, former=tuple(former))


def ensure_principal(request: HttpRequest) -> Principal:
    """Return the user and session of a request, after giving the session its secret."""
    if getattr(request, CREDENTIAL, None) is None:
        prepare(request)
    return principal_of(request)


def prepare(request: HttpRequest) -> None:
    """Give the session its secret, early enough that two first pages do not make two."""
    if request.session.get(SESSION_KEY) is None:
        request.session[SESSION_KEY] = secrets.token_urlsafe(32)


def recognise(request: HttpRequest, credential: str) -> None:
    """Note that a request was authenticated by a credential, not by its session.

    `credential` identifies it across renewals; empty if nothing stays the same.
    """
    setattr(request, CREDENTIAL, credential)


def is_impersonated(request: HttpRequest) -> bool:
    """Return whether another user acts as the user of a request."""
    if any(getattr(request.user, mark, False) for mark in IMPERSONATION_MARKS):
        return True
    if getattr(request, CREDENTIAL, None) is not None:
        return False
    loginas = getattr(settings, "LOGINAS_FROM_USER_SESSION_FLAG", "")
    keys = {*IMPERSONATION_KEYS, loginas, *conf.IMPERSONATION_KEYS}
    return any(request.session[key] for key in keys & request.session.keys())


def cookie_name() -> str:
    return f"{settings.SESSION_COOKIE_NAME}_faceauth"


def _digest(kind: str, secret: str, user_id: Any, key: tuple[Any, str], cookie: str = "") -> str:
    site_key, auth_hash = key
    # The cookie comes last, where its text cannot imitate another part.
    whole = f"{secret}|{user_id}|{auth_hash}|{cookie}"
    salt = f"django_faceauth.{kind}"
    return salted_hmac(salt, whole, secret=site_key, algorithm="sha256").hexdigest()


def _keys(user: AbstractBaseUser) -> list[tuple[Any, str]]:
    """Return pairs of a site key and a session authentication hash, the current ones first.

    None stands for `SECRET_KEY`. A user model may compute the hash without a key.
    """
    current = user.get_session_auth_hash()
    keys: list[tuple[Any, str]] = [(None, current)]
    if settings.SECRET_KEY_FALLBACKS:
        hashes = user.get_session_auth_fallback_hash()
        for former, auth_hash in zip(settings.SECRET_KEY_FALLBACKS, hashes, strict=True):
            keys += [(former, auth_hash), (former, current)]
    return keys
