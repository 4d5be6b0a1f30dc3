"""Passkeys, one-time codes and recovery codes of django-allauth.

Imported by sites that have installed it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from allauth.core import context
from allauth.mfa import app_settings, signals
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_faceauth.conf import PASSKEY, RECOVERY_CODE, TOTP
from django_faceauth.models import FaceChallenge, database
from django_faceauth.services.second_ways import Result

logger = logging.getLogger(__name__)

#: The key of the session with the state of the passkey that was begun last.
PASSKEY_KEY: Final = "_faceauth_passkey"
TYPES: Final[Mapping[str, Authenticator.Type]] = {
    PASSKEY: Authenticator.Type.WEBAUTHN,
    TOTP: Authenticator.Type.TOTP,
    RECOVERY_CODE: Authenticator.Type.RECOVERY_CODES,
}


def installed() -> frozenset[str]:
    """Return the ways that the site supports."""
    return frozenset(way for way, kind in TYPES.items() if kind in app_settings.SUPPORTED_TYPES)


def set_up_by(user: AbstractBaseUser) -> frozenset[str]:
    """Return the ways that a user has set up; recovery codes while one is left."""
    rows = Authenticator.objects.filter(user_id=user.pk)
    usable = {
        row.type
        for row in rows
        if row.type != Authenticator.Type.RECOVERY_CODES or row.wrap().get_unused_codes()
    }
    return frozenset(way for way in installed() if TYPES[way] in usable)


@sensitive_variables("code")
def verify(request: HttpRequest, challenge: FaceChallenge, way: str, code: str) -> Result:
    """Check a code of exactly this way, or the assertion of a passkey, and burn it.

    The tries are counted and the signals are sent as by django-allauth's own pages.
    """
    request = getattr(request, "_request", request)  # the one that Django REST framework wraps
    user = challenge.user
    about: dict[str, Any] = {"sender": Authenticator, "request": request, "user": user}
    with context.request_context(request):
        try:
            forget_tries = check_rate_limit(user)
        except ValidationError:
            return Result.LOCKED
        if way == PASSKEY:
            row = _of_passkey(request, challenge, code)
        else:
            row = Authenticator.objects.filter(user_id=user.pk, type=TYPES[way]).first()
            with database.atomic(Authenticator):
                is_right = row is not None and row.wrap().validate_code(code)
            if row is not None and not is_right:
                failure = {"authenticator": row, "reauthentication": True}
                signals.authentication_failed.send(**about, **failure)
                row = None
        if row is None:
            return Result.WRONG
        forget_tries()
        row.record_usage()
        use = {"authenticator": row, "reauthenticated": True, "passwordless": False}
        signals.authenticator_used.send(**about, **use)
    return Result.ACCEPTED


def begin_passkey(request: HttpRequest, challenge: FaceChallenge) -> dict[str, Any]:
    """Return the options for the browser; their state counts for this challenge alone, once."""
    with context.request_context(request):
        options = auth.begin_authentication(challenge.user)
        request.session[PASSKEY_KEY] = [challenge.handle, auth.get_state()]
        auth.clear_state()  # what is signed must not log the user in
    public_key: dict[str, Any] = options["publicKey"]
    return public_key


@sensitive_variables("code")
def _of_passkey(request: HttpRequest, challenge: FaceChallenge, code: str) -> Any:
    """Return the row of the passkey that has signed what was begun for this challenge."""
    handle, state = request.session.pop(PASSKEY_KEY, ("", None))
    if handle != challenge.handle:
        return None
    auth.set_state(state)
    try:
        assertion = json.loads(code)
        members = [*assertion["response"].values(), assertion["id"], assertion.get("rawId")]
        if not all(isinstance(member, str | None) for member in members):
            return None  # of a number, the parser would make as many bytes
        auth.parse_authentication_response(assertion)
        return auth.complete_authentication(challenge.user, assertion)
    except Exception as error:  # parsers of what a browser sent fail in many ways
        logger.info("passkey not accepted: %s challenge=%s", type(error).__name__, challenge.pk)
        return None
    finally:
        auth.clear_state()
