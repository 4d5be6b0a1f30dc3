"""Recognise clients without a session."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth.gate.locked_user import keep_user
from django_faceauth.services.grants import identity

#: The attribute of a request with the scheme of its credential.
SCHEME: Final = "_faceauth_scheme"


def recognise_client(
    request: Any, user: AbstractBaseUser, *, credential: str, scheme: str = "Bearer"
) -> None:
    """Tell the gate that a request of `user` is authenticated by a credential, not a session.

    For code that authenticates by itself: a decorator of the site, django-ninja, an
    authenticator of Django REST framework. Call it before the gate. From then on
    `request.user` is that user and the session is ignored: the gate responds with 401, and a
    grant counts for the client that names its challenge in `Face-Challenge`.

    `credential` identifies the credential across renewals, such as `f"token {row.pk}"`; empty
    if nothing stays the same. Clients must not be able to choose it. `scheme` is named in
    `WWW-Authenticate` of a refusal.

    Raises `UserChanged` if a gate has already decided for another user, `ValueError` for an
    anonymous user, and `TypeError` if `credential` is not a string.
    """
    if not user.is_authenticated:
        raise ValueError("a client cannot be recognised for an anonymous user")
    if not isinstance(credential, str):
        raise TypeError("credential must be a string")
    request = getattr(request, "_request", request)  # the one that Django REST framework wraps
    request.user = user
    identity.recognise(request, credential)
    setattr(request, SCHEME, scheme)
    keep_user(request)
