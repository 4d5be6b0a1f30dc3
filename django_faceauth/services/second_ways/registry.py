"""The second ways of the site, and of each user."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final
from unicodedata import digit

from django.apps import apps
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_faceauth.conf import PASSKEY, conf
from django_faceauth.models import FaceChallenge
from django_faceauth.services.second_ways import Result, django_otp

logger = logging.getLogger(__name__)

#: Characters of a code, and of the assertion of a passkey.
LONGEST: Final = 64
LONGEST_ASSERTION: Final = 20_000


def adapters() -> Iterator[Any]:
    """Yield the adapters of the packages that the site has installed."""
    if apps.is_installed("allauth.mfa"):
        # django-allauth is optional.
        from django_faceauth.services.second_ways import allauth_mfa

        yield allauth_mfa
    yield django_otp


def installed() -> frozenset[str]:
    """Return the ways for which the site has installed a package."""
    return frozenset().union(*(adapter.installed() for adapter in adapters()))


def set_up_by(user: Any) -> tuple[str, ...]:
    """Return the ways of `FACEAUTH_SECOND_WAYS` that a user has set up, in its order."""
    wanted = conf.SECOND_WAYS
    if not wanted:
        return ()
    found = frozenset().union(*(adapter.set_up_by(user) for adapter in adapters()))
    return tuple(way for way in wanted if way in found)


def open_for(challenge: FaceChallenge) -> tuple[str, ...]:
    """Return the ways in which the user of a challenge can answer it."""
    return tuple(way for way in set_up_by(challenge.user) if challenge.counts(way))


def begin_passkey(request: HttpRequest, challenge: FaceChallenge) -> dict[str, Any]:
    """Return what the browser needs to use a passkey for a challenge."""
    # django-allauth is optional.
    from django_faceauth.services.second_ways import allauth_mfa

    return allauth_mfa.begin_passkey(request, challenge)


@sensitive_variables("code")
def verify(request: HttpRequest, challenge: FaceChallenge, way: str, code: str) -> Result:
    """Check a code, or the assertion of a passkey as JSON, of the user of a challenge.

    With several packages, a code is tried with each in which the user has set up this way. White
    space does not count, and the digits of all scripts are digits.
    """
    result = Result.WRONG
    if len(code) > (LONGEST_ASSERTION if way == PASSKEY else LONGEST):
        code = ""
    code = "".join(
        str(digit(character, character)) for character in code if not character.isspace()
    )
    if code and code.isascii() and code.isprintable():
        results = set()
        for adapter in adapters():
            if Result.ACCEPTED not in results and way in adapter.set_up_by(challenge.user):
                results.add(adapter.verify(request, challenge, way, code))
        if Result.ACCEPTED in results:
            result = Result.ACCEPTED
        elif results == {Result.LOCKED}:
            result = Result.LOCKED
    if result is not Result.ACCEPTED:
        logger.warning("second way %s: %s challenge=%s", result, way, challenge.pk)
    return result
