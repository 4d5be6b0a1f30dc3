"""Answers of the API that are none: the refusal of the gate, and problem details (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpResponse
from rest_framework import views
from rest_framework.exceptions import (
    APIException,
    ParseError,
    PermissionDenied,
    ValidationError,
)
from rest_framework.response import Response

from django_faceauth.api.credentials import scheme_of
from django_faceauth.conf import conf
from django_faceauth.gate.decision import Challenge, Deny, Reason
from django_faceauth.gate.destination import fallback_for, origin
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problems import challenge_for, problem
from django_faceauth.gate.refusals import ask, denial

logger = logging.getLogger(__name__)

#: What Django raises for requests that it will not read, too long ones among them.
UNREADABLE: Final = (BadRequest, SuspiciousOperation)

#: Headers of an answer of Django REST framework that its problem details keep.
KEPT_HEADERS: Final = ("WWW-Authenticate", "Retry-After", "Allow")


class FaceRefused(PermissionDenied):
    """A request was refused by the gate; `response` is the whole answer."""

    default_code = "face_required"

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def refuse(request: Any, policy: Policy, decision: Challenge | Deny, now: datetime) -> HttpResponse:
    """Answer a program whose request was refused: ask for the face, or say no.

    `request` is that of Django REST framework. Never a redirect, whatever the method and
    whatever the client accepts (G-07).
    """
    if isinstance(decision, Challenge):
        challenge = ask(
            request, policy, decision.snapshot, decision.reason, now, next_url=origin(request)
        )
        return challenge_for(request, policy, challenge, scheme=scheme_of(request))
    if decision.reason is Reason.NOT_ENROLLED and conf.FALLBACK:
        challenge = ask(
            request, policy, policy.snapshot(), decision.reason, now, next_url=origin(request)
        )
        url = request.build_absolute_uri(fallback_for(challenge.handle))
        return denial(decision.reason, challenge=challenge.handle, fallback_url=url)
    return denial(decision.reason)


def as_problem(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return problem details for an error that is the client's own, else None."""
    if isinstance(error, UNREADABLE):
        logger.warning("unreadable request: %s", type(error).__name__)
        error = ParseError()
    answer: Response | None = views.exception_handler(error, dict(context))
    if answer is None:
        return None
    more = {"errors": error.detail} if isinstance(error, ValidationError) else {}
    response = problem(answer.status_code, _code_of(error), _title_of(error, answer), **more)
    for name in KEPT_HEADERS:
        if name in answer.headers:
            response[name] = answer.headers[name]
    return response


def _code_of(error: Exception) -> str:
    if isinstance(error, APIException):
        return error.default_code
    return "not_found" if isinstance(error, Http404) else PermissionDenied.default_code


def _title_of(error: Exception, answer: Response) -> str:
    detail = error.detail if isinstance(error, APIException) else None
    return str(detail) if isinstance(detail, str) else HTTPStatus(answer.status_code).phrase
