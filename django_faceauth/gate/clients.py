"""Clients without a session, outside Django REST framework (B-04, B-07)."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth.gate.locked_user import keep_user
from django_faceauth.gate.problem_details import SESSION_SCHEME
from django_faceauth.services.grants import grants

#: Where `recognise_client` leaves the scheme of the credential on a request.
SCHEME: Final = "_faceauth_scheme"


def recognise_client(
    request: Any, user: AbstractBaseUser, *, credential: str, scheme: str = "Bearer"
) -> None:
    """Tell the gate that a request is of `user`, known by a credential and not by a session.

    For code that authenticates by itself: a decorator of the site, django-ninja, an
    authenticator of Django REST framework. Call it before the gate. From then on
    `request.user` is that user, and nothing of the session counts or is touched: the gate
    answers with a 401, and a grant counts for the client that names its challenge in
    `Face-Challenge`.

    `credential` is what stays the same of the credential when it is renewed, such as
    `f"token {row.pk}"`; empty if nothing does. Clients must not be able to choose it.
    `scheme` is what the refusal names in `WWW-Authenticate`.

    Raises `UserChanged` if a gate has judged another user already, `ValueError` for an
    anonymous user, and `TypeError` if `credential` is not a string.
    """
    if not user.is_authenticated:
        raise ValueError("a client cannot be recognised for an anonymous user")
    if not isinstance(credential, str):
        raise TypeError("credential must be a string")
    request = getattr(request, "_request", request)  # the one that Django REST framework wraps
    request.user = user
    grants.recognise(request, credential)
    setattr(request, SCHEME, scheme)
    keep_user(request)


def scheme_of(request: Any) -> str:
    """Return the scheme of the credential that a request is known by (G-07)."""
    scheme: str = getattr(request, SCHEME, SESSION_SCHEME)
    return scheme
