"""Requests of the user behind a test client or a request."""

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

#: Clients of Django and Django REST framework, or a request of a `RequestFactory`.
Target = Client | AsyncClient | HttpRequest

NO_USER: Final = (
    "No user is logged in here. Log in with client.force_login(user), or pass user=…. For a "
    "client with a token, send the request first, and pass its refusal instead of the client."
)
FORCED: Final = (
    "This client is forced to a user with a token. Send the request first, and pass its refusal "
    "instead of the client."
)


@contextmanager
def request_of(target: Target, user: AbstractBaseUser | None = None) -> Iterator[HttpRequest]:
    """Yield a request of the user at `target`, and save its session afterwards.

    `user` is logged in first. Raises `ValueError` when no user is.
    """
    if isinstance(target, HttpRequest):
        if user is not None:
            target.user = cast(Any, user)
        forced = _forced(target, "_force_auth") if user is None else None
        if forced is None:
            _check_login(getattr(target, "user", None))
            if not hasattr(target, "session"):
                target.session = import_module(settings.SESSION_ENGINE).SessionStore()
        yield forced or target
        return
    if user is not None:
        target.force_login(cast(Any, user))
    forced = _forced(target.handler, "_force")
    if forced is not None:
        yield forced
        return
    request = HttpRequest()
    request.session = target.session
    request.COOKIES = {name: morsel.value for name, morsel in target.cookies.items()}
    request.user = cast(Any, get_user(request))
    _check_login(request.user)
    yield request
    request.session.save()
    # Sessions that are stored in their cookie have another key now.
    target.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key or ""


def _forced(holder: object, prefix: str) -> HttpRequest | None:
    """Return a request of the user whom Django REST framework is forced to see, if any.

    It has no session, and nothing else that stays the same between requests.
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


def _check_login(user: Any) -> None:
    if user is None or not user.is_authenticated:
        raise ValueError(NO_USER)
