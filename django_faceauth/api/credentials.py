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


def recognise(request: Request) -> None:
    """Tell the gate whether a session or another credential authenticates a request."""
    authenticator: object = request.successful_authenticator
    credential: str | None = getattr(request, identity.CREDENTIAL, None)
    is_session = authenticator is None or isinstance(authenticator, SessionAuthentication)
    # It is known already from an authenticator that has called recognise_client().
    if credential is None and not is_session:
        credential = conf.CREDENTIAL(request) if conf.CREDENTIAL else _name_of(request.auth)
    if credential is not None:
        identity.recognise(request, credential)


def scheme_of(request: Request) -> str:
    """Return the scheme of the authenticator that has recognised the user."""
    authenticator: object = request.successful_authenticator
    # What tests force a user with has no such method.
    described = getattr(authenticator, "authenticate_header", None)
    scheme = SCHEME.match((described(request) if described else None) or "")
    return scheme[0] if scheme else SESSION_SCHEME


def _name_of(credential: Any) -> str:
    """Return what stays the same of a credential; empty for nothing."""
    if isinstance(credential, Model):
        return f"{credential._meta.label_lower} {credential.pk}"
    claims = getattr(credential, "payload", credential)
    # Stays the same when a token is renewed (OpenID Connect Front-Channel Logout).
    return str(claims.get("sid", "")) if isinstance(claims, Mapping) else ""
