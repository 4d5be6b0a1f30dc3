"""End sessions, exemptions and API tokens of a user who reports "this was not me".

A site connects it in an `AppConfig.ready()`: `locked_out.connect(sign_out_on_report)`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from django_faceauth.models import FaceChallenge, Lockout, database
from django_faceauth.models.challenge import NOT_ME
from django_faceauth.services.grants import exemptions

__all__ = ["sign_out", "sign_out_on_report"]

logger = logging.getLogger(__name__)

CHUNK: Final = 1000  # sessions that are read at a time
TOKENS: Final = "rest_framework.authtoken"
BLACKLIST: Final = "rest_framework_simplejwt.token_blacklist"


def sign_out(user: AbstractBaseUser) -> tuple[str, ...]:
    """End the sessions, exemptions, tokens and refresh tokens of a user, outside transactions.

    Returns and logs the names of the session engine and the apps of which some may be left.
    Access tokens of simplejwt cannot be ended: they are good until they expire.
    """
    key: Any = get_user_model()._meta.pk
    user_id = key.value_from_object(user)
    left: list[str] = []

    @contextmanager
    def part(name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the other parts are ended all the same
            cause = type(error).__name__
            logger.critical("sign-out incomplete: %s user=%s cause=%s", name, user_id, cause)
            left.append(name)

    with part(settings.SESSION_ENGINE):
        _end_sessions(key.value_to_string(user))
    with part("django_faceauth"):
        exemptions.revoke_all(user_id, now=timezone.now())
    with part(TOKENS):
        if apps.is_installed(TOKENS):
            # Not every site has Django REST framework.
            from rest_framework.authtoken.models import Token

            Token.objects.filter(user_id=user_id).delete()
    with part(BLACKLIST):
        if apps.is_installed(BLACKLIST):
            # Not every site has simplejwt.
            from rest_framework_simplejwt.token_blacklist import models

            # Expired ones too: a sliding token that was refreshed keeps the row of the first.
            rows = models.OutstandingToken.objects.using(database.alias(models.OutstandingToken))
            for token in rows.filter(user_id=user_id, blacklistedtoken=None):
                models.BlacklistedToken.objects.get_or_create(token=token)
    return tuple(left)


def sign_out_on_report(
    *, user: AbstractBaseUser, reason: str, challenge: FaceChallenge | None = None, **_kwargs: Any
) -> None:
    """Sign out a user who reported a face check or an enrolment: a receiver of `locked_out`.

    Not after the button on the phone that showed the face, which ends that face check alone.
    """
    is_of_phone = challenge is not None and challenge.reason == NOT_ME
    if reason == Lockout.Reason.REPORTED and not is_of_phone:
        sign_out(user)


def _end_sessions(user_id: str) -> None:
    """Delete the sessions in which `user_id`, written as in a session, is logged in."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    if not hasattr(store, "get_model_class"):
        raise NotImplementedError("the sessions of this engine cannot be searched")
    model = store.get_model_class()
    rows = model._base_manager.using(database.alias(model)).order_by("pk")
    unexpired, last = rows.filter(expire_date__gt=timezone.now()), ""
    errors = []
    while chunk := unexpired.filter(pk__gt=last).values_list("pk", "session_data")[:CHUNK]:
        for last, data in chunk:
            try:
                if store.decode(data).get(SESSION_KEY) == user_id:
                    rows.filter(pk=last).delete()  # the store may look for it in a late replica
                    store.delete(last)  # from the cache too
            except Exception as error:  # one session must not save the others
                errors.append(error)
    if errors:
        raise errors[0]
