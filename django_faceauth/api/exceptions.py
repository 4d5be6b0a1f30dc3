"""Errors and refusals as problem details (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import views
from rest_framework.exceptions import APIException, ParseError, PermissionDenied, ValidationError
from rest_framework.response import Response

from django_faceauth.api.credentials import scheme_of
from django_faceauth.gate.decision import Challenge, Deny
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problem_details import problem
from django_faceauth.gate.redirects import origin
from django_faceauth.gate.responses import refuse_client
from django_faceauth.services.flow.progress import trouble_with
from django_faceauth.services.sync.polling_schedule import PULL_INTERVAL

logger = logging.getLogger(__name__)

#: Seconds until a face check may have a result.
RETRY_AFTER: Final = str(int(PULL_INTERVAL.total_seconds()))


class FaceRefused(PermissionDenied):
    """The gate refused a request; `response` is the whole answer."""

    default_code = "face_required"

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class CookieReplaced(APIException):
    """The face cookie was replaced while the request was on its way; the next one has it."""

    status_code = HTTPStatus.CONFLICT
    default_code = "cookie_replaced"
    default_detail = _("This has changed.")
    wait = 1  # second: Django REST framework says so in Retry-After


def refuse(request: Any, policy: Policy, decision: Challenge | Deny, now: datetime) -> HttpResponse:
    """Answer a refused request of Django REST framework."""
    return refuse_client(
        request, policy, decision, now, next_url=origin(request), scheme=scheme_of(request)
    )


def unavailable(error: Exception) -> HttpResponse:
    """Return the answer to a failure at the provider, with its cause under DEBUG."""
    more = {"detail": f"{error} (see manage.py faceauth_doctor)"} if settings.DEBUG else {}
    response = problem(503, "unavailable", str(trouble_with(error)), **more)
    if getattr(error, "retryable", False):
        response["Retry-After"] = RETRY_AFTER
    return response


def as_problem(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return problem details for an error that is the client's own, else None."""
    # Django raises these for requests that it does not read, too long ones among them.
    if isinstance(error, BadRequest | SuspiciousOperation):
        logger.warning("unreadable request: %s", type(error).__name__)
        error = ParseError()
    answer: Response | None = views.exception_handler(error, dict(context))
    if answer is None:
        return None
    more = {"errors": error.detail} if isinstance(error, ValidationError) else {}
    title = HTTPStatus(answer.status_code).phrase
    if isinstance(error, APIException):
        code = error.default_code
        title = str(error.detail) if isinstance(error.detail, str) else title
    else:
        code = "not_found" if isinstance(error, Http404) else PermissionDenied.default_code
    response = problem(answer.status_code, code, title, **more)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in answer.headers:
            response[name] = answer.headers[name]
    return response
