"""The control page: what was sent to the merchant, and what shall go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from django_faceauth.conf import conf
from django_faceauth.simulator import fault_injection, webhook_queue, webhook_sender
from django_faceauth.simulator.actions import act
from django_faceauth.simulator.forms import CallFaultForm, CaseForm, DeliveryForm, WebhookForm
from django_faceauth.simulator.state_machine import NotAllowed, Unknown
from django_faceauth.simulator.views import POLICY, hosted, render

SHOWN: Final = 50

HEADERS: Final = {
    # Unlike the form of the capture page, those of this page lead nowhere else.
    "Content-Security-Policy": f"{POLICY}; form-action 'self'",
    # Without a referrer, browsers send forms with the origin "null", which Django refuses.
    "Referrer-Policy": "same-origin",
}

Facts = dict[str, Any]

#: What the buttons do: the form that a button sends, and what becomes of it.
BUTTONS: Final[Mapping[str, tuple[type[forms.Form], Callable[[Facts, datetime], object]]]] = {
    "webhooks": (WebhookForm, lambda facts, _now: fault_injection.set_webhooks(facts)),
    "call": (CallFaultForm, lambda facts, _now: fault_injection.add_call(facts)),
    "heal": (forms.Form, lambda _facts, _now: fault_injection.clear()),
    "case": (
        CaseForm,
        lambda facts, now: act(facts["action"], facts["case"], facts["code"], now),
    ),
    "resend": (DeliveryForm, lambda facts, now: webhook_queue.resend(facts["event"], now)),
    "deliver": (forms.Form, lambda _facts, now: webhook_queue.hurry(now)),
}
REFUSALS: Final = {
    Unknown: _("There is no such thing here."),
    NotAllowed: _("That cannot be done to it any more, or not yet."),
}


@hosted
@csrf_protect
@require_http_methods(["GET", "POST"])
def control(request: HttpRequest) -> HttpResponse:
    """Show the control page, or do what one of its buttons says."""
    button = request.POST.get("do", "")
    if request.method == "GET" or button not in BUTTONS:
        return _page(request)
    form_class, do = BUTTONS[button]
    form = form_class(request.POST)
    if form.is_valid() and _is_done(form, do):
        return HttpResponseRedirect(request.path)
    return _page(request, **{button: form})


def _is_done(form: forms.Form, do: Callable[[Facts, datetime], object]) -> bool:
    try:
        do(form.cleaned_data, timezone.now())
    except (Unknown, NotAllowed) as refusal:
        form.add_error(None, REFUSALS[type(refusal)])
        return False
    return True


def _page(request: HttpRequest, **sent: forms.Form) -> HttpResponse:
    # A server that has just been restarted may not know yet that something waits.
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
        **sent,
    }
    response = render("control", status=422 if sent else 200, **context)
    for name, value in HEADERS.items():
        response[name] = value
    return response
