"""Keep the user of a request the same from the gate on."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from django_faceauth.exceptions import UserChanged


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
