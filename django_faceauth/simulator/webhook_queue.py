"""Events that wait to be told, written in the transaction that made them true."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.dispatch import Signal

from django_faceauth.conf import conf
from django_faceauth.models import database
from django_faceauth.simulator import fault_injection, representations
from django_faceauth.simulator.events import Event
from django_faceauth.simulator.ids import new_id
from django_faceauth.simulator.models import Delivery, DeliveryState, WebhookFaults
from django_faceauth.simulator.state_machine import Unknown

#: Sent when there is something to deliver and its transaction has been committed.
filled = Signal()


def is_open() -> bool:
    """Tell whether anybody wants to be told."""
    return conf.SIMULATOR_ENABLED and bool(conf.SIMULATOR_WEBHOOK_URL)


def post(events: Iterable[Event], now: datetime) -> None:
    """Have the merchant told of `events`."""
    told = tuple(events)
    if not (told and is_open()):
        return
    found = fault_injection.webhooks()
    Delivery.objects.bulk_create([_delivery(event, found, now) for event in told])
    announce()


def pending(case_id: str = "") -> list[Delivery]:
    """Return what waits to be sent, of one case or of all, oldest first."""
    waiting = Delivery.objects.filter(state=DeliveryState.PENDING).order_by("id")
    return list(waiting.filter(case_id=case_id) if case_id else waiting)


def newest(count: int) -> list[Delivery]:
    """Return the last deliveries, newest first."""
    return list(Delivery.objects.order_by("-id")[:count])


def resend(event_id: str, now: datetime) -> None:
    """Have one event sent again, whatever became of it; raises `Unknown`."""
    found = Delivery.objects.filter(event_id=event_id)
    if not found.update(state=DeliveryState.PENDING, tries=0, next_try=now):
        raise Unknown
    announce()


def hurry(now: datetime) -> int:
    """Have everything that waits sent now; returns how much that is."""
    waiting = Delivery.objects.filter(state=DeliveryState.PENDING).update(next_try=now)
    announce()
    return waiting


def announce() -> None:
    """Have couriers look at what is here, once it is committed."""
    if not is_open():
        return
    # Robust: a merchant's call is not to fail because a courier could not be woken.
    wake = partial(filled.send, sender=Delivery)
    database.on_commit(wake, model=Delivery, robust=True)


def is_lost(event_id: str, share: float) -> bool:
    """Tell whether an event is among the `share` of events that get lost."""
    # Drawn from the id, which is random itself: the same event always draws the same lot.
    lot = int.from_bytes(hashlib.sha256(event_id.encode()).digest()[:4], "big")
    return lot / 2**32 < share


def _delivery(event: Event, found: WebhookFaults, now: datetime) -> Delivery:
    event_id = new_id("evt")
    dropped = is_lost(event_id, found.drop)
    return Delivery(
        event_id=event_id,
        event_type=event.type,
        case_id=event.case.id,
        created_on=event.created_on,
        body=json.dumps(representations.event(event_id, event, conf.BASE_URL)),
        state=DeliveryState.DROPPED if dropped else DeliveryState.PENDING,
        next_try=None if dropped else now + found.hold,
    )
