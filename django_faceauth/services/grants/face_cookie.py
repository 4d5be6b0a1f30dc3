"""Rotate the secret in the face cookie.

There is no cookie until a response is about to use a grant for the first time. Then the
secret is replaced, so that cookies which were stolen or planted before are worth nothing
while the session goes on.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponseBase

from django_faceauth.models import FaceChallenge, database
from django_faceauth.models.active_grants import Grant
from django_faceauth.services.grants.identity import (
    CREDENTIAL,
    cookie_name,
    principal_of,
    session_principal,
)

logger = logging.getLogger(__name__)

Response = TypeVar("Response")

#: The attribute of a request that `see` sets.
SIGHT: Final = "_faceauth_sight"
#: As long as the longest grant. The session decides; without it the cookie is worth nothing.
COOKIE_AGE: Final = timedelta(days=365)


class _Sight(NamedTuple):
    """The grants that a request is the first to use, and the digests of its principal."""

    digests: tuple[str, ...]
    now: datetime
    pks: list[int]


def see(request: HttpRequest, challenge: FaceChallenge | Grant, *, now: datetime) -> None:
    """Note that a request is the first to use a grant; `carry` then rotates the cookie."""
    if challenge.session_rotated_at is not None or getattr(request, CREDENTIAL, None) is not None:
        return
    attributes, digests = vars(_django_request(request)), principal_of(request).digests
    sight = attributes.get(SIGHT)
    if sight is None or sight.digests != digests:
        sight = attributes[SIGHT] = _Sight(digests, now, [])
    sight.pks.append(challenge.pk)


def has_seen(request: HttpRequest) -> bool:
    """Return whether `carry` has something to do for a request."""
    return SIGHT in vars(_django_request(request))


def carry(request: HttpRequest, response: Response) -> Response:
    """Rotate the face cookie if the request was the first to use a grant; return the response.

    In a transaction of the site this happens after the commit: a view that raises rolls its
    rows back, and its response does not reach the browser.
    """
    if not isinstance(response, HttpResponseBase) or not has_seen(request):
        return response
    rotate = partial(_rotate, request, response, vars(_django_request(request)).pop(SIGHT))
    if database.is_surrounded():
        database.on_commit(rotate)
    else:
        rotate()
    return response


def _rotate(request: HttpRequest, response: HttpResponseBase, sight: _Sight) -> None:
    # The view may have logged the user out or changed the password, which ends the grant.
    if principal_of(request).digests != sight.digests:
        return
    secret, rows = secrets.token_urlsafe(32), FaceChallenge.objects
    digest = session_principal(request, secret).session_digest
    try:
        with database.atomic():
            asked = rows.of(user_id=request.user.pk, digests=sight.digests)
            asked.rekey(digest, seen=sight.pks, now=sight.now)
            # Of several requests at once, one finds the grants here. The rows that later
            # ones would take belong to requests with the old cookie, and stay theirs.
            is_first = rows.filter(pk__in=sight.pks, session_digest=digest).exists()
            if not is_first:
                transaction.set_rollback(True, using=database.alias())
    except DatabaseError as error:
        # The work of the view is done. The grant stays unused, so the next request tries again.
        logger.error("cookie not replaced: %s", type(error).__name__)
        return
    if is_first:
        # What is still rendered for this request uses the new secret, too.
        request.COOKIES[cookie_name()] = secret
        max_age = None if request.session.get_expire_at_browser_close() else COOKIE_AGE
        response.set_cookie(
            cookie_name(),
            secret,
            max_age=max_age,
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )


def _django_request(request: Any) -> HttpRequest:
    """Return the request of Django inside one of Django REST framework."""
    wrapped: HttpRequest = getattr(request, "_request", request)
    return wrapped
