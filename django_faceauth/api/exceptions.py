"""Refusals of the gate and errors, as problem details (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from rest_framework import views
from rest_framework.exceptions import (
    APIException,
    ParseError,
    PermissionDenied,
    ValidationError,
)
from rest_framework.response import Response

from django_faceauth.api.credentials import scheme_of
from django_faceauth.exceptions import ConsentRequired, TooManyAttempts
from django_faceauth.gate.decision import Challenge, Deny
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problem_details import problem
from django_faceauth.gate.redirects import origin
from django_faceauth.gate.responses import refuse_program
from django_faceauth.messages import LIMITED
from django_faceauth.models import FaceChallenge
from django_faceauth.services.flow.progress import Word, trouble_with, wording_for
from django_faceauth.services.privacy import consent
from django_faceauth.services.sync.polling_schedule import PULL_INTERVAL

logger = logging.getLogger(__name__)

#: What Django raises for requests that it will not read, too long ones among them.
UNREADABLE: Final = (BadRequest, SuspiciousOperation)

#: Seconds until there may be news of a face check.
RETRY_AFTER: Final = str(int(PULL_INTERVAL.total_seconds()))

#: Headers of an answer of Django REST framework that its problem details keep.
KEPT_HEADERS: Final = ("WWW-Authenticate", "Retry-After", "Allow")


class FaceRefused(PermissionDenied):
    """A request was refused by the gate; `response` is the whole answer."""

    default_code = "face_required"

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class CookieReplaced(APIException):
    """The request was on its way while our cookie was replaced; the next one has the new one."""

    status_code = HTTPStatus.CONFLICT
    default_code = "cookie_replaced"
    default_detail = _lazy("This has changed.")
    wait = 1  # second: Django REST framework says so in Retry-After


def refuse(request: Any, policy: Policy, decision: Challenge | Deny, now: datetime) -> HttpResponse:
    """Answer a refused request of Django REST framework."""
    return refuse_program(
        request, policy, decision, now, next_url=origin(request), scheme=scheme_of(request)
    )


def ended(challenge: FaceChallenge, word: Word, now: datetime) -> HttpResponse:
    """Return the answer to a start of what has ended."""
    return problem(409, word.value, str(wording_for(challenge, word, now=now).message))


def under_way() -> HttpResponse:
    """Return the answer to a start while there is another."""
    response = problem(409, "under_way", _("A face check is under way already."))
    response["Retry-After"] = RETRY_AFTER
    return response


def limited(closed: TooManyAttempts, now: datetime) -> HttpResponse:
    """Return the answer to a start that has to wait."""
    title = str(LIMITED[closed.scope].message)
    response = problem(
        429, "too_many_attempts", title, scope=closed.scope, until=closed.until.isoformat()
    )
    response["Retry-After"] = str(closed.seconds(now))
    return response


def not_agreed(missing: ConsentRequired) -> HttpResponse:
    """Return the answer to a start without the consent that is asked for."""
    title = _("The face check needs the consent of its user.")
    words = consent.current_text()
    return problem(
        400,
        "consent_required",
        title,
        consent_version=missing.version,
        consent_text=words.text,
    )


def unavailable(error: Exception) -> HttpResponse:
    """Return the answer while the provider gives none that is of use; with DEBUG, also why."""
    more = {"detail": f"{error} (see manage.py faceauth_doctor)"} if settings.DEBUG else {}
    response = problem(503, "unavailable", str(trouble_with(error)), **more)
    if getattr(error, "retryable", False):
        response["Retry-After"] = RETRY_AFTER
    return response


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
