"""The credential of a request of Django REST framework."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from django_faceauth.conf import conf
from django_faceauth.gate.problem_details import SESSION_SCHEME
from django_faceauth.services.grants import identity

#: A scheme is a token (RFC 9110, section 11.1).
SCHEME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)

#: The claim that stays the same when a token is renewed (OpenID Connect Front-Channel Logout).
SESSION_CLAIM: Final = "sid"


def recognise(request: Request) -> None:
    """Tell the gate whether a session or another credential stands behind a request."""
    credential = _credential_of(request)
    if credential is not None:
        identity.recognise(request, credential)


def scheme_of(request: Request) -> str:
    """Return the scheme of the authenticator that has recognised the user."""
    authenticator = _authenticator_of(request)
    # What tests force a user with has no such method.
    described = getattr(authenticator, "authenticate_header", None)
    header = described(request) if described else None
    scheme = SCHEME.match(header or "")
    return scheme[0] if scheme else SESSION_SCHEME


def _credential_of(request: Request) -> str | None:
    """Return what stays the same of a credential; None for a session, empty for nothing."""
    credential: str | None = getattr(request, identity.CREDENTIAL, None)
    if credential is not None:  # of an authenticator that has called recognise_client()
        return credential
    authenticator = _authenticator_of(request)
    if authenticator is None or isinstance(authenticator, SessionAuthentication):
        return None
    if conf.CREDENTIAL is not None:
        return conf.CREDENTIAL(request)
    return _name_of(request.auth)


def _name_of(credential: Any) -> str:
    if isinstance(credential, Model):
        return f"{credential._meta.label_lower} {credential.pk}"
    claims = getattr(credential, "payload", credential)
    return str(claims.get(SESSION_CLAIM, "")) if isinstance(claims, Mapping) else ""


def _authenticator_of(request: Request) -> object:
    return request.successful_authenticator
