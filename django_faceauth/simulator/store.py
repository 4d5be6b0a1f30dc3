"""Stored cases; a case is always read as it is at that moment.

The only writer of cases, and so the one that queues webhooks for their changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from django_faceauth.models import database
from django_faceauth.simulator import events, webhook_queue
from django_faceauth.simulator.models import StoredCase
from django_faceauth.simulator.outcomes import Outcome
from django_faceauth.simulator.state_machine import (
    Attempt,
    AttemptRequest,
    Capture,
    Case,
    Unknown,
    Visit,
    advance,
    due_on,
)
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus

Document = dict[str, Any]


@database.atomic(StoredCase)
def add(case: Case) -> None:
    """Store a new case."""
    StoredCase.objects.create(id=case.id, document=dump(case), due_on=due_on(case))
    webhook_queue.post(events.between(None, case), case.created_on)


def read(case_id: str, now: datetime) -> Case:
    """Return a case as it is now, or raise `Unknown`."""
    case = load(_row(StoredCase.objects.all(), case_id).document)
    # Only a case that time has changed takes the lock: clients that wait read very often.
    if advance(case, now) is case:
        return case
    return change(case_id, lambda advanced: advanced, now)


def change(case_id: str, transition: Callable[[Case], Case], now: datetime) -> Case:
    """Advance a case to now, apply `transition` and store the result, under a lock."""
    with database.atomic(StoredCase):
        row = _row(StoredCase.objects.select_for_update(), case_id)
        before = load(row.document)
        advanced = advance(before, now)
        case = transition(advanced)
        row.document, row.due_on = dump(case), due_on(case)
        row.save()
        changes = (*events.between(before, advanced), *events.between(advanced, case))
        webhook_queue.post(changes, now)
    return case


def advance_due(now: datetime) -> None:
    """Advance all cases that time alone has changed, so that their webhooks are sent."""
    for case_id in StoredCase.objects.filter(due_on__lte=now).values_list("id", flat=True):
        read(case_id, now)


def dump(case: Case) -> Document:
    """Return a case as a JSON document; datetimes keep their microseconds."""
    document: Document = json.loads(json.dumps(asdict(case), default=datetime.isoformat))
    return document


def load(document: Document) -> Case:
    """Return the case of a document that `dump` made."""
    return Case(
        **document
        | _dates(document)
        | {
            "status": AuthenticationStatus(document["status"]),
            "attempts": tuple(_attempt(attempt) for attempt in document["attempts"]),
        }
    )


def _attempt(document: Document) -> Attempt:
    visit, capture = document["visit"], document["capture"]
    return Attempt(
        **document
        | _dates(document)
        | {
            "status": AttemptStatus(document["status"]),
            "request": AttemptRequest(**document["request"]),
            "visit": visit and Visit(**visit),
            "capture": capture and _capture(**capture),
        }
    )


def _capture(outcome: Document, decided_on: str) -> Capture:
    attempt, authentication = outcome["attempt"], outcome["authentication"]
    return Capture(
        outcome=Outcome(
            AttemptStatus(attempt), AuthenticationStatus(authentication), outcome["code"]
        ),
        decided_on=datetime.fromisoformat(decided_on),
    )


def _dates(document: Document) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(document[name]) for name in ("created_on", "modified_on")}


def _row(rows: QuerySet[StoredCase], case_id: str) -> StoredCase:
    try:
        return rows.get(id=case_id)
    except StoredCase.DoesNotExist:
        raise Unknown from None
