"""The control page as an API, for the merchant's own tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from django_faceauth.simulator import fault_injection, representations, webhook_queue
from django_faceauth.simulator.actions import act
from django_faceauth.simulator.control import SHOWN
from django_faceauth.simulator.forms import AuditForm, CallFaultForm, WebhookForm
from django_faceauth.simulator.models import Delivery, WebhookFaults
from django_faceauth.simulator.problems import Problem, refuse
from django_faceauth.simulator.state_machine import NotAllowed
from django_faceauth.simulator.validation import body_of

Facts = dict[str, Any]


def list_deliveries(_request: HttpRequest) -> HttpResponse:
    """Tell the last deliveries, newest first."""
    return JsonResponse({"data": [_told(delivery) for delivery in webhook_queue.newest(SHOWN)]})


def set_faults(request: HttpRequest) -> HttpResponse:
    """Have go wrong what the body says, and nothing else: an empty one makes all well."""
    body = dict(body_of(request.body))
    calls = body.pop("calls", [])
    if not isinstance(calls, list):
        raise Problem(422, "request_invalid", "calls_invalid")
    usual = fault_injection.webhook_facts(WebhookFaults())
    fault_injection.replace(
        _facts(WebhookForm, usual | body), [_facts(CallFaultForm, call) for call in calls]
    )
    return JsonResponse(body | {"calls": calls})


def audit(request: HttpRequest, case_id: str) -> HttpResponse:
    """Audit a result: `{"status": "approved" | "declined", "code": 62321}`."""
    facts = _facts(AuditForm, body_of(request.body))
    return _done(facts["status"], case_id, facts["code"])


def anonymize(_request: HttpRequest, case_id: str) -> HttpResponse:
    """Anonymize a face authentication."""
    return _done("anonymize", case_id)


def expire(_request: HttpRequest, case_id: str) -> HttpResponse:
    """Let the link of a face authentication expire."""
    return _done("expire", case_id)


def resend(_request: HttpRequest, event_id: str) -> HttpResponse:
    """Have one event sent again."""
    webhook_queue.resend(event_id, timezone.now())
    return HttpResponse(status=202)


def deliver(_request: HttpRequest) -> HttpResponse:
    """Have everything that waits sent now; tells how much that is."""
    return JsonResponse({"waiting": webhook_queue.hurry(timezone.now())}, status=202)


def _done(action: str, case_id: str, code: int | None = None) -> HttpResponse:
    try:
        case = act(action, case_id, code, timezone.now())
    except NotAllowed:
        raise Problem(409, "conflict", "face_authentication_status_invalid") from None
    return JsonResponse({"id": case.id, "status": case.status, "code": case.code})


def _told(delivery: Delivery) -> representations.Json:
    return {
        "event": json.loads(delivery.body),
        "state": delivery.state,
        "tries": delivery.tries,
        "next_try": delivery.next_try,
        "answer": delivery.answer,
        "answered_on": delivery.answered_on,
    }


def _facts(form_class: type[forms.Form], given: object) -> Facts:
    if not isinstance(given, Mapping):
        raise Problem(422, "request_invalid", "calls_invalid")
    refuse(_codes("unknown", given.keys() - form_class.base_fields.keys()))
    form = form_class(given)
    refuse(_codes("invalid", form.errors))
    return form.cleaned_data


def _codes(what: str, names: Iterable[str]) -> list[str]:
    return sorted(f"{name}_{what}" for name in names)
