"""Recognise the user of a request, and keep them the same from the gate on."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from django_faceauth.exceptions import UserChanged
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


def keep_user(request: Any) -> None:
    """Make the request refuse another user from now on.

    Django REST framework and others authenticate inside the view, after the gate, and assign
    `request.user`. Only a class can intercept an assignment, so the request gets a subclass of
    its own class in which `user` and `auser` are properties. Logging out and logging in the
    same user again still work. For a request of Django REST framework, this is done to the
    request that it wraps.
    """
    user = request.user
    wrapped = getattr(request, "_request", request)
    if isinstance(wrapped, _OneUser) or not getattr(user, "is_authenticated", False):
        return

    async def auser() -> Any:
        return wrapped.user

    vars(wrapped).update(user=user, auser=auser, _faceauth_user=user)
    wrapped.__class__ = _with_one_user(wrapped.__class__)


def refuse_rest_framework(given: Any, gate: str) -> None:
    """Raise `TypeError` if a gate is given a view or a request of Django REST framework."""
    if is_rest_framework(given):
        raise TypeError(
            f"{gate} does not work with Django REST framework, which authenticates inside the "
            "view: use require_face of django_faceauth.api.permissions"
        )


def is_rest_framework(given: Any) -> bool:
    """Return whether a request, or a view below its decorators, is of Django REST framework."""
    # Nothing is, before these modules are imported; the first may be half imported.
    view_class = getattr(sys.modules.get("rest_framework.views"), "APIView", ())
    if isinstance(given, getattr(sys.modules.get("rest_framework.request"), "Request", ())):
        return True
    while view_class and given is not None and not isinstance(given, HttpRequest):
        kinds = (given, getattr(given, "cls", None), getattr(given, "view_class", None))
        if any(isinstance(kind, type) and issubclass(kind, view_class) for kind in kinds):
            return True
        if isinstance(getattr(given, "__self__", None), view_class):
            return True
        # method_decorator() hands over a partial of the bound method.
        given = getattr(given, "func", None) or getattr(given, "__wrapped__", None)
    return False


class _OneUser:
    @property
    def user(self) -> Any:
        return vars(self)["user"]

    @user.setter
    def user(self, user: Any) -> None:
        vars(self)["user"] = self._same(user)

    @property
    def auser(self) -> Callable[[], Awaitable[Any]]:
        found: Callable[[], Awaitable[Any]] = vars(self)["auser"]
        return found

    @auser.setter
    def auser(self, auser: Callable[[], Awaitable[Any]]) -> None:
        async def same() -> Any:
            return self._same(await auser())

        vars(self)["auser"] = same

    def _same(self, user: Any) -> Any:
        kept = vars(self)["_faceauth_user"]
        if not getattr(user, "is_authenticated", False) or user == kept:
            return user
        # A child of the user model is equal by the key of the user model, not by its own.
        model = get_user_model()
        key = model._meta.pk.attname
        if isinstance(user, model) and getattr(user, key) == getattr(kept, key, None):
            return user
        raise UserChanged


@cache
def _with_one_user(kind: type[HttpRequest]) -> type[HttpRequest]:
    return type(kind.__name__, (_OneUser, kind), {"__module__": kind.__module__})
