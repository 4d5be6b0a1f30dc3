"""Stored cases, always read as of now.

The only writer of cases, and so the one that queues webhooks for their changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django_faceauth.models import database
from django_faceauth.simulator import webhook_queue
from django_faceauth.simulator.models import StoredCase
from django_faceauth.simulator.scenarios import Outcome
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
    webhook_queue.post(None, case, now=case.created_on)


def read(case_id: str, now: datetime) -> Case:
    """Return a case as it is now, or raise `Unknown`."""
    row = StoredCase.objects.filter(id=case_id).first()
    if row is None:
        raise Unknown
    case = load(row.document)
    # Only a case that time has changed takes the lock: clients that wait read very often.
    if advance(case, now) is case:
        return case
    return change(case_id, lambda advanced: advanced, now)


def change(case_id: str, transition: Callable[[Case], Case], now: datetime) -> Case:
    """Advance a case to now, apply `transition` and store the result, under a lock."""
    with database.atomic(StoredCase):
        row = StoredCase.objects.select_for_update().filter(id=case_id).first()
        if row is None:
            raise Unknown
        before = load(row.document)
        advanced = advance(before, now)
        case = transition(advanced)
        row.document, row.due_on = dump(case), due_on(case)
        row.save()
        webhook_queue.post(before, advanced, case, now=now)
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
    attempts = []
    for attempt in document["attempts"]:
        visit, capture = attempt["visit"], attempt["capture"]
        if capture:
            outcome = capture["outcome"]
            capture = Capture(
                outcome=Outcome(
                    AttemptStatus(outcome["attempt"]),
                    AuthenticationStatus(outcome["authentication"]),
                    outcome["code"],
                ),
                decided_on=datetime.fromisoformat(capture["decided_on"]),
            )
        parsed = {
            "status": AttemptStatus(attempt["status"]),
            "request": AttemptRequest(**attempt["request"]),
            "visit": visit and Visit(**visit),
            "capture": capture,
        }
        attempts.append(Attempt(**attempt | _dates(attempt) | parsed))
    parsed = {"status": AuthenticationStatus(document["status"]), "attempts": tuple(attempts)}
    return Case(**document | _dates(document) | parsed)


def _dates(document: Document) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(document[name]) for name in ("created_on", "modified_on")}
