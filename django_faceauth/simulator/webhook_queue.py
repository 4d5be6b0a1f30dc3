"""Queued webhooks.

They are written in the transaction of the change that they report."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Final

from django.dispatch import Signal

from django_faceauth.conf import conf
from django_faceauth.models import database
from django_faceauth.provider.webhook_payloads import FAMILY, IDENTITY_FAMILY
from django_faceauth.simulator import fault_injection, representations
from django_faceauth.simulator.models import Delivery, DeliveryState, StoredWorkflow
from django_faceauth.simulator.state_machine import Case, Unknown, new_id
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus

# Source: the provider's "webhooks" reference.
#: A new attempt, by the status before it; "reset" after any other.
NEW_ATTEMPT: Final[Mapping[AuthenticationStatus, str]] = {
    AuthenticationStatus.CREATED: "opened",
    AuthenticationStatus.RETRY_REQUIRED: "retry_requested",
}
#: A new status.
NEW_STATUS: Final[Mapping[AuthenticationStatus, str]] = {
    AuthenticationStatus.CAPTURE_IN_PROGRESS: "started",
    AuthenticationStatus.CHECKS_IN_PROGRESS: "capture_completed",
    AuthenticationStatus.APPROVED: "checks_completed",
    AuthenticationStatus.DECLINED: "checks_completed",
    AuthenticationStatus.REFUSED: "capture_refused",
    AuthenticationStatus.INCONCLUSIVE: "closed",
}
#: The status `retry_required`, by how the attempt ended.
FAILED: Final[Mapping[AttemptStatus, str]] = {
    AttemptStatus.CAPTURE_ABORTED: "capture_aborted",
    AttemptStatus.CHECKS_INCONCLUSIVE: "checks_inconclusive",
    AttemptStatus.EXPIRED: "link_expired",
}

NAMES: Final = {"created", "reset", "audit_completed", "anonymized"}.union(
    NEW_ATTEMPT.values(), NEW_STATUS.values(), FAILED.values()
)
EVENT_TYPES: Final = tuple(
    kind + name for kind in (FAMILY, IDENTITY_FAMILY) for name in sorted(NAMES)
)

#: Sent when there is something to deliver and its transaction has been committed.
filled = Signal()


def is_open() -> bool:
    """Return whether the site wants webhooks."""
    return conf.SIMULATOR_ENABLED and bool(
        conf.SIMULATOR_WEBHOOK_URL or StoredWorkflow.objects.exists()
    )


def receivers(event_type: str) -> list[StoredWorkflow | None]:
    """Return the workflows that send an event; None is the URL of the settings.

    That receives webhooks while there is no workflow.
    """
    workflows = StoredWorkflow.objects.order_by("id")
    return (
        [workflow for workflow in workflows if workflow.sends(event_type)] if workflows else [None]
    )


def event_names(before: Case | None, after: Case) -> Iterator[str]:
    """Return the events of one transition; `before` is None for a new case."""
    if before is None:
        yield "created"
        return
    if len(after.attempts) > len(before.attempts):
        yield NEW_ATTEMPT.get(before.status, "reset")
    elif after.audits > before.audits:
        yield "audit_completed"
    elif after.status != before.status:
        yield NEW_STATUS.get(after.status) or FAILED[after.attempts[-1].status]
    if after.is_anonymized and not before.is_anonymized:
        yield "anonymized"


def post(*cases: Case | None, now: datetime) -> None:
    """Queue a webhook for each event between consecutive versions of a case."""
    events = [
        (f"{after.kind}_{name}", after)
        for before, after in pairwise(cases)
        if after
        for name in event_names(before, after)
    ]
    if not (events and is_open()):
        return
    for event_type, case in events:
        put(event_type, case, receivers(event_type), now)
    announce()


def put(
    event_type: str, case: Case, workflows: Iterable[StoredWorkflow | None], now: datetime
) -> None:
    """Queue one event for each of its receivers."""
    event_id, faults = new_id("evt"), fault_injection.webhooks()
    is_dropped = random.random() < faults.drop  # noqa: S311 - no secret
    body = representations.event(event_id, event_type, case, conf.BASE_URL)
    Delivery.objects.bulk_create(
        Delivery(
            event_id=event_id,
            event_type=event_type,
            workflow=workflow,
            case_id=case.id,
            created_on=case.modified_on,
            body=json.dumps(body),
            state=DeliveryState.DROPPED if is_dropped else DeliveryState.PENDING,
            next_try=None if is_dropped else now + faults.hold,
        )
        for workflow in workflows
    )


def resend(event_id: str, now: datetime) -> None:
    """Send one event again, whatever its state; raises `Unknown`."""
    deliveries = Delivery.objects.filter(event_id=event_id)
    if not deliveries.update(state=DeliveryState.PENDING, tries=0, next_try=now):
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
