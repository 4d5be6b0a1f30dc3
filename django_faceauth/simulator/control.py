"""The control page, and the same commands as a control API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from django_faceauth.conf import conf
from django_faceauth.simulator import (
    fault_injection,
    state_machine,
    store,
    webhook_queue,
    webhook_sender,
)
from django_faceauth.simulator.forms import (
    AuditForm,
    CallFaultForm,
    CaseForm,
    DeliveryForm,
    WebhookForm,
)
from django_faceauth.simulator.models import WebhookFaults
from django_faceauth.simulator.outcomes import APPROVED, CHOICES, declined
from django_faceauth.simulator.state_machine import Case, NotAllowed, Unknown
from django_faceauth.simulator.validation import Problem, body_of, refuse
from django_faceauth.simulator.views import POLICY, hosted, render

Facts = dict[str, Any]

SHOWN: Final = 50

HEADERS: Final = {
    # Unlike the form of the capture page, those of this page lead nowhere else.
    "Content-Security-Policy": f"{POLICY}; form-action 'self'",
    # Without a referrer, browsers send forms with the origin "null", which Django refuses.
    "Referrer-Policy": "same-origin",
}

#: The buttons of the page: the form that each sends.
FORMS: Final[Mapping[str, type[forms.Form]]] = {
    "webhooks": WebhookForm,
    "call": CallFaultForm,
    "heal": forms.Form,
    "case": CaseForm,
    "resend": DeliveryForm,
    "deliver": forms.Form,
}
MESSAGES: Final = {
    Unknown: _("There is no such thing here."),
    NotAllowed: _("That cannot be done to it any more, or not yet."),
}


def change_case(action: str, case_id: str, code: int | None = None) -> Case:
    """Audit a case (`approved`, `declined`), `anonymize` it, or let its link `expire`.

    Raises `Unknown` or `NotAllowed`.
    """
    now = timezone.now()
    outcome = declined(code) if code else CHOICES["someone_else"]
    transitions: Mapping[str, Callable[..., Case]] = {
        "approved": partial(state_machine.audit, outcome=APPROVED),
        "declined": partial(state_machine.audit, outcome=outcome),
        "anonymize": state_machine.anonymize,
        "expire": state_machine.expire,
    }
    return store.change(case_id, partial(transitions[action], now=now), now)


def run(command: str, facts: Facts) -> Any:
    """Run a command of the control page or the control API, and return its result.

    Raises `Unknown` or `NotAllowed`.
    """
    commands: Mapping[str, Callable[[], Any]] = {
        "webhooks": lambda: fault_injection.set_webhooks(facts),
        "call": lambda: fault_injection.add_call(facts),
        "faults": lambda: fault_injection.replace(facts["webhooks"], facts["calls"]),
        "heal": fault_injection.clear,
        "case": lambda: change_case(facts["action"], facts["case"], facts["code"]),
        "resend": lambda: webhook_queue.resend(facts["event"], timezone.now()),
        "deliver": lambda: webhook_queue.hurry(timezone.now()),
    }
    return commands[command]()


@hosted
@csrf_protect
@require_http_methods(["GET", "POST"])
def control(request: HttpRequest) -> HttpResponse:
    """Show the control page, or run the command of one of its buttons."""
    command = request.POST.get("do", "")
    if command not in FORMS:
        return _page(request)
    form = FORMS[command](request.POST)
    if form.is_valid():
        try:
            run(command, form.cleaned_data)
        except (Unknown, NotAllowed) as error:
            form.add_error(None, MESSAGES[type(error)])
        else:
            return HttpResponseRedirect(request.path)
    return _page(request, **{command: form})


def list_deliveries(_request: HttpRequest) -> HttpResponse:
    """Return the last deliveries, newest first."""
    names = ("state", "tries", "next_try", "answer", "answered_on")
    deliveries = [
        {"event": json.loads(delivery.body)} | {name: getattr(delivery, name) for name in names}
        for delivery in webhook_queue.newest(SHOWN)
    ]
    return JsonResponse({"data": deliveries})


def set_faults(request: HttpRequest) -> HttpResponse:
    """Replace all faults by those of the body; an empty one removes them."""
    body = dict(body_of(request.body))
    calls = body.pop("calls", [])
    if not isinstance(calls, list):
        raise Problem(422, "request_invalid", "calls_invalid")
    defaults = fault_injection.webhook_facts(WebhookFaults())
    faults = {
        "webhooks": _validated(WebhookForm, defaults | body),
        "calls": [_validated(CallFaultForm, call) for call in calls],
    }
    run("faults", faults)
    return JsonResponse(body | {"calls": calls})


def control_case(request: HttpRequest, case_id: str, action: str) -> HttpResponse:
    """Audit, anonymize or expire a face authentication."""
    facts: Facts = {"status": action, "code": None}
    if action == "audit":
        facts = _validated(AuditForm, body_of(request.body))
    try:
        case = run("case", {"case": case_id, "action": facts["status"], "code": facts["code"]})
    except NotAllowed:
        raise Problem(409, "conflict", "face_authentication_status_invalid") from None
    return JsonResponse({"id": case.id, "status": case.status, "code": case.code})


def resend(_request: HttpRequest, event_id: str) -> HttpResponse:
    """Send one event again."""
    run("resend", {"event": event_id})
    return HttpResponse(status=202)


def deliver(_request: HttpRequest) -> HttpResponse:
    """Send everything that waits now, and return how much that is."""
    return JsonResponse({"waiting": run("deliver", {})}, status=202)


def _validated(form_class: type[forms.Form], data: object) -> Facts:
    if not isinstance(data, Mapping):
        raise Problem(422, "request_invalid", "calls_invalid")
    refuse(sorted(f"{name}_unknown" for name in data.keys() - form_class.base_fields.keys()))
    form = form_class(data)
    refuse(sorted(f"{name}_invalid" for name in form.errors))
    return form.cleaned_data


def _page(request: HttpRequest, **submitted: forms.Form) -> HttpResponse:
    # A server that has just been restarted may not know yet that webhooks wait.
    webhook_queue.announce()
    deliveries = webhook_queue.newest(SHOWN)
    context = {
        "address": conf.SIMULATOR_WEBHOOK_URL,
        "is_signed": webhook_sender.first_key() is not None,
        "deliveries": deliveries,
        "cases": dict.fromkeys(delivery.case_id for delivery in deliveries),
        "call_faults": fault_injection.calls(),
        "webhooks": WebhookForm(initial=fault_injection.webhook_facts(fault_injection.webhooks())),
        "call": CallFaultForm(),
        "case": CaseForm(),
        "csrf_token": get_token(request),
        **submitted,
    }
    response = render("control", status=422 if submitted else 200, **context)
    for name, value in HEADERS.items():
        response[name] = value
    return response
