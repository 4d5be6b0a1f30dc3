"""The control page and the control API."""

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
from django_faceauth.models import database
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
from django_faceauth.simulator.models import Delivery, StoredCase, StoredWorkflow, WebhookFaults
from django_faceauth.simulator.scenarios import APPROVED, CHOICES, declined
from django_faceauth.simulator.state_machine import Case, NotAllowed, Unknown
from django_faceauth.simulator.validation import Problem, body_of, refuse
from django_faceauth.simulator.views import POLICY, hosted, render

SHOWN: Final = 50

HEADERS: Final = {
    # Unlike the form of the capture page, those of this page lead nowhere else.
    "Content-Security-Policy": f"{POLICY}; form-action 'self'",
    # Without a referrer, browsers send forms with the origin "null", which Django rejects.
    "Referrer-Policy": "same-origin",
}


def change_case(action: str, case_id: str, code: int | None = None) -> Case:
    """Audit a case (`approved`, `declined`), `anonymize` it, or `expire` its link.

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


#: The form of each button of the page, and what it does.
COMMANDS: Final[Mapping[str, tuple[type[forms.Form], Callable[[Mapping[str, Any]], Any]]]] = {
    "webhooks": (WebhookForm, fault_injection.set_webhooks),
    "call": (CallFaultForm, fault_injection.add_call),
    "heal": (forms.Form, lambda _facts: fault_injection.clear()),
    "case": (CaseForm, lambda facts: change_case(facts["action"], facts["case"], facts["code"])),
    "resend": (DeliveryForm, lambda facts: webhook_queue.resend(facts["event"], timezone.now())),
    "deliver": (forms.Form, lambda _facts: webhook_queue.hurry(timezone.now())),
}


@hosted
@csrf_protect
@require_http_methods(["GET", "POST"])
def control(request: HttpRequest) -> HttpResponse:
    command = request.POST.get("do", "")
    if command not in COMMANDS:
        return _page(request)
    form_class, run = COMMANDS[command]
    form = form_class(request.POST)
    if form.is_valid():
        try:
            run(form.cleaned_data)
            return HttpResponseRedirect(request.path)
        except Unknown:
            form.add_error(None, _("Not found."))
        except NotAllowed:
            form.add_error(None, _("Not possible in the current status."))
    return _page(request, **{command: form})


def list_deliveries(_request: HttpRequest) -> HttpResponse:
    names = ("state", "tries", "next_try", "answer", "answered_on")
    deliveries = [
        {"event": json.loads(delivery.body)} | {name: getattr(delivery, name) for name in names}
        for delivery in Delivery.objects.order_by("-id")[:SHOWN]
    ]
    return JsonResponse({"data": deliveries})


def set_faults(request: HttpRequest) -> HttpResponse:
    """Replace all faults by those of the body; an empty one removes them."""
    body = dict(body_of(request.body))
    calls = body.pop("calls", [])
    if not isinstance(calls, list):
        raise Problem(422, "request_invalid", "calls_invalid")
    with database.atomic(WebhookFaults):
        fault_injection.clear()
        defaults = fault_injection.webhook_facts(WebhookFaults())
        fault_injection.set_webhooks(_valid(WebhookForm, defaults | body))
        for call in calls:
            fault_injection.add_call(_valid(CallFaultForm, call))
    return JsonResponse(body | {"calls": calls})


def control_case(request: HttpRequest, case_id: str, action: str) -> HttpResponse:
    """Audit, anonymize or expire a case."""
    code = None
    if action == "audit":
        audit = _valid(AuditForm, body_of(request.body))
        action, code = audit["status"], audit["code"]
    case = change_case(action, case_id, code)
    return JsonResponse({"id": case.id, "status": case.status, "code": case.code})


def resend(_request: HttpRequest, event_id: str) -> HttpResponse:
    webhook_queue.resend(event_id, timezone.now())
    return HttpResponse(status=202)


def deliver(_request: HttpRequest) -> HttpResponse:
    """Send all waiting webhooks now, and return their number."""
    return JsonResponse({"waiting": webhook_queue.hurry(timezone.now())}, status=202)


def _valid(form_class: type[forms.Form], data: object) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise Problem(422, "request_invalid", "calls_invalid")
    refuse(sorted(f"{name}_unknown" for name in data.keys() - form_class.base_fields.keys()))
    form = form_class(data)
    refuse(sorted(f"{name}_invalid" for name in form.errors))
    return form.cleaned_data


def _page(request: HttpRequest, **submitted: forms.Form) -> HttpResponse:
    # A server that has just been restarted may not know yet that webhooks wait.
    webhook_queue.announce()
    cases = StoredCase.objects.order_by("-document__created_on")[:SHOWN]
    webhooks = [row.webhook for row in StoredWorkflow.objects.order_by("id")]
    context = {
        "url": ", ".join(each["url"] for each in webhooks) or conf.SIMULATOR_WEBHOOK_URL,
        "is_signed": bool(webhooks or webhook_sender.first_key()),
        "deliveries": Delivery.objects.order_by("-id")[:SHOWN],
        "cases": [store.load(row.document) for row in cases],
        "call_faults": fault_injection.calls(),
        "webhooks": WebhookForm(initial=fault_injection.webhook_facts(fault_injection.webhooks())),
        "call": CallFaultForm(),
        # The "Use" links in the rows fill in the form.
        "case": CaseForm(initial={"case": request.GET.get("case", "")}),
        "csrf_token": get_token(request),
        **submitted,
    }
    response = render("control", status=422 if submitted else 200, **context)
    for name, value in HEADERS.items():
        response[name] = value
    return response
