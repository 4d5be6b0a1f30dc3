"""Injected faults, shared by all processes of a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.db.models import F
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from django_faceauth.models import database
from django_faceauth.simulator.models import CallFault, CallFaultKind, WebhookFaults

Response = HttpResponse | StreamingHttpResponse
Pause = Callable[[float], object]

#: The key of `request.META` for a function to wait with; no header of a request can set it.
PAUSE: Final = "faceauth_simulator.pause"


def webhooks() -> WebhookFaults:
    return WebhookFaults.objects.filter(pk=1).first() or WebhookFaults()


def webhook_facts(faults: WebhookFaults) -> dict[str, Any]:
    return model_to_dict(faults, exclude=["id"])


def calls() -> list[CallFault]:
    """Return the faults of API calls, in the order in which they apply."""
    # Counted faults go first: behind an unlimited one they would never apply.
    return sorted(CallFault.objects.order_by("id"), key=lambda fault: fault.calls is None)


@database.atomic(WebhookFaults)
def set_webhooks(facts: Mapping[str, Any]) -> None:
    WebhookFaults.objects.update_or_create(pk=1, defaults=dict(facts))


def add_call(facts: Mapping[str, Any]) -> None:
    CallFault.objects.create(**facts)


@database.atomic(WebhookFaults)
def clear() -> None:
    WebhookFaults.objects.all().delete()
    CallFault.objects.all().delete()


def respond(operation: str, request: HttpRequest, answer: Callable[[], HttpResponse]) -> Response:
    """Return the response to an API call, changed by a fault of its operation if there is one.

    Waiting is done by `time.sleep`, or by the function under `PAUSE`: behind an adapter the
    client's timeout runs out without delay.
    """
    fault = _next_fault(operation)
    if fault is None:
        return answer()
    pause: Pause = request.META.get(PAUSE, time.sleep)
    if fault.kind == CallFaultKind.TOO_MANY_REQUESTS:
        return HttpResponse(status=429, headers={"Retry-After": str(round(fault.amount))})
    if fault.kind == CallFaultKind.SERVER_ERROR:
        return HttpResponse(status=round(fault.amount))
    if fault.kind == CallFaultKind.LATENCY:
        pause(fault.amount)
        return answer()
    response = answer()
    if fault.kind == CallFaultKind.NO_ANSWER:
        pause(fault.amount)
        return response
    content = response.content

    def slow_body() -> Iterator[bytes]:
        for number in range(len(content)):
            pause(fault.amount / len(content))
            yield content[number : number + 1]

    return StreamingHttpResponse(
        slow_body(),
        status=response.status_code,
        # With a length, a client that gives up knows that it has not read everything.
        headers={**response.headers, "Content-Length": str(len(content))},
    )


def _next_fault(operation: str) -> CallFault | None:
    """Return the fault that applies to this call, and use up one of its calls."""
    for fault in calls():
        if fault.operation not in {"", operation}:
            continue
        if fault.calls is None:
            return fault
        # The condition keeps two simultaneous calls from sharing the last one.
        left = CallFault.objects.filter(pk=fault.pk, calls__gt=0).update(calls=F("calls") - 1)
        CallFault.objects.filter(pk=fault.pk, calls=0).delete()
        if left:
            return fault
    return None
