"""Whom a state is for: the user behind a test client or a request, and their session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.test import AsyncClient, Client

from django_faceauth.conf import conf
from django_faceauth.services.grants import identity

#: Whatever asks a gate in a test: Django's clients, or a request of a `RequestFactory`.
#: The clients and requests of Django REST framework are among them.
Target = Client | AsyncClient | HttpRequest

NOBODY: Final = (
    "Nobody is logged in here, and only users have faces. Log in with client.force_login(user), "
    "or say user=…. For a client that logs in by a token, send the request first, and give its "
    "refusal in place of the client."
)
FORCED: Final = (
    "This client is forced to a user with a token. Send the request first, and give its refusal "
    "in place of the client."
)


@contextmanager
def seat(target: Target, user: AbstractBaseUser | None = None) -> Iterator[HttpRequest]:
    """Yield a request of whoever sits at `target`, and keep what becomes of its session.

    `user` sits down there first. Raises `ValueError` when nobody does.
    """
    if isinstance(target, HttpRequest):
        yield _own_seat(target, user)
        return
    if user is not None:
        target.force_login(cast(Any, user))
    forced = _forced(target.handler, "_force")
    if forced is not None:
        yield forced
        return
    request = HttpRequest()
    request.session = target.session
    request.COOKIES = {name: one.value for name, one in target.cookies.items()}
    request.user = _known(get_user(request))
    yield request
    request.session.save()
    # With sessions that are kept in their cookie, this is another one now.
    target.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key or ""


def _own_seat(request: HttpRequest, user: AbstractBaseUser | None) -> HttpRequest:
    if user is not None:
        request.user = cast(Any, user)
    forced = _forced(request, "_force_auth")
    if forced is not None and user is None:
        return forced
    _known(getattr(request, "user", None))
    if not hasattr(request, "session"):
        request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    return request


def _forced(holder: object, prefix: str) -> HttpRequest | None:
    """Return a request of the user that Django REST framework is forced to see, if any.

    Behind that is no session, and nothing else that stays the same.
    """
    user = getattr(holder, f"{prefix}_user", None)
    if user is None:
        return None
    if getattr(holder, f"{prefix}_token", None) is not None or conf.CREDENTIAL is not None:
        raise ValueError(FORCED)
    request = HttpRequest()
    request.user = user
    identity.recognise(request, "")
    return request


def _known(user: Any) -> Any:
    if user is None or not user.is_authenticated:
        raise ValueError(NOBODY)
    return user
