"""What shall go wrong on demand, kept where all processes of a server see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import F
from django.forms import model_to_dict

from django_faceauth.models import database
from django_faceauth.simulator.models import CallFault, WebhookFaults

Facts = Mapping[str, Any]


def webhooks() -> WebhookFaults:
    """Return what goes wrong with webhooks."""
    return WebhookFaults.objects.filter(pk=1).first() or WebhookFaults()


def webhook_facts(faults: WebhookFaults) -> dict[str, Any]:
    """Return the same as names and values."""
    return model_to_dict(faults, exclude=["id"])


def calls() -> list[CallFault]:
    """Return what goes wrong with calls, in the order in which it will."""
    # What is counted goes first: behind a fault without end its turn would never come.
    return sorted(CallFault.objects.order_by("id"), key=lambda fault: fault.calls is None)


@database.atomic(WebhookFaults)
def set_webhooks(facts: Facts) -> None:
    """Decide what goes wrong with webhooks from now on."""
    WebhookFaults.objects.update_or_create(pk=1, defaults=dict(facts))


def add_call(facts: Facts) -> None:
    """Have something go wrong with calls besides what does already."""
    CallFault.objects.create(**facts)


@database.atomic(WebhookFaults)
def replace(webhook: Facts, calls: Iterable[Facts]) -> None:
    """Have this go wrong, and nothing else."""
    clear()
    set_webhooks(webhook)
    for facts in calls:
        add_call(facts)


@database.atomic(WebhookFaults)
def clear() -> None:
    """Have nothing go wrong any more."""
    WebhookFaults.objects.all().delete()
    CallFault.objects.all().delete()


def take(operation: str) -> CallFault | None:
    """Return what goes wrong with this call, if anything; that uses up one of its calls."""
    for fault in calls():
        if fault.operation in {"", operation} and _is_left(fault):
            return fault
    return None


def _is_left(fault: CallFault) -> bool:
    if fault.calls is None:
        return True
    # The condition keeps two calls at once from sharing the last one.
    mine = CallFault.objects.filter(pk=fault.pk, calls__gt=0).update(calls=F("calls") - 1)
    CallFault.objects.filter(pk=fault.pk, calls=0).delete()
    return mine == 1
