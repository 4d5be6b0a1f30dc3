"""Queued webhooks, written in the transaction of the change they report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.dispatch import Signal

from django_faceauth.conf import conf
from django_faceauth.models import database
from django_faceauth.simulator import fault_injection, representations
from django_faceauth.simulator.events import Event
from django_faceauth.simulator.models import Delivery, DeliveryState
from django_faceauth.simulator.state_machine import Unknown, new_id

#: Sent when there is something to deliver and its transaction has been committed.
filled = Signal()


def is_open() -> bool:
    """Return whether the site wants webhooks."""
    return conf.SIMULATOR_ENABLED and bool(conf.SIMULATOR_WEBHOOK_URL)


def post(events: Sequence[Event], now: datetime) -> None:
    """Queue a webhook for each event."""
    if not (events and is_open()):
        return
    faults = fault_injection.webhooks()
    deliveries = []
    for event in events:
        event_id = new_id("evt")
        is_dropped = is_lost(event_id, faults.drop)
        deliveries.append(
            Delivery(
                event_id=event_id,
                event_type=event.type,
                case_id=event.case.id,
                created_on=event.created_on,
                body=json.dumps(representations.event(event_id, event, conf.BASE_URL)),
                state=DeliveryState.DROPPED if is_dropped else DeliveryState.PENDING,
                next_try=None if is_dropped else now + faults.hold,
            )
        )
    Delivery.objects.bulk_create(deliveries)
    announce()


def pending(case_id: str = "") -> list[Delivery]:
    """Return the waiting webhooks of one case or of all, oldest first."""
    waiting = Delivery.objects.filter(state=DeliveryState.PENDING).order_by("id")
    return list(waiting.filter(case_id=case_id) if case_id else waiting)


def newest(count: int) -> list[Delivery]:
    """Return the last webhooks, newest first."""
    return list(Delivery.objects.order_by("-id")[:count])


def resend(event_id: str, now: datetime) -> None:
    """Send one event again, whatever its state; raises `Unknown`."""
    found = Delivery.objects.filter(event_id=event_id)
    if not found.update(state=DeliveryState.PENDING, tries=0, next_try=now):
        raise Unknown
    announce()


def hurry(now: datetime) -> int:
    """Make every waiting webhook due now; return their number."""
    waiting = Delivery.objects.filter(state=DeliveryState.PENDING).update(next_try=now)
    announce()
    return waiting


def announce() -> None:
    """Send `filled` once the transaction is committed."""
    if is_open():
        # Robust: an API call must not fail because the sender could not be woken.
        send = partial(filled.send, sender=Delivery)
        database.on_commit(send, model=Delivery, robust=True)


def is_lost(event_id: str, share: float) -> bool:
    """Return whether an event is among the `share` of events that get lost."""
    # Drawn from the id, which is random itself, so that the result never changes.
    number = int.from_bytes(hashlib.sha256(event_id.encode()).digest()[:4], "big")
    return number / 2**32 < share
