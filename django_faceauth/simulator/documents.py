"""A case as a JSON document, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django_faceauth.simulator.outcomes import Outcome
from django_faceauth.simulator.state_machine import Attempt, AttemptRequest, Capture, Case, Visit
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus

Document = dict[str, Any]


def dump(case: Case) -> Document:
    """Return the document of a case; moments keep their microseconds."""
    document: Document = json.loads(json.dumps(asdict(case), default=datetime.isoformat))
    return document


def load(document: Document) -> Case:
    """Return the case that a document of `dump` describes."""
    facts = document | {
        "status": AuthenticationStatus(document["status"]),
        "attempts": tuple(_attempt(attempt) for attempt in document["attempts"]),
    }
    return Case(**facts | _moments(document))


def _attempt(document: Document) -> Attempt:
    facts = document | {
        "status": AttemptStatus(document["status"]),
        "request": AttemptRequest(**document["request"]),
        "visit": Visit(**document["visit"]) if document["visit"] else None,
        "capture": _capture(document["capture"]) if document["capture"] else None,
    }
    return Attempt(**facts | _moments(document))


def _capture(document: Document) -> Capture:
    outcome = document["outcome"]
    return Capture(
        outcome=Outcome(
            AttemptStatus(outcome["attempt"]),
            AuthenticationStatus(outcome["authentication"]),
            outcome["code"],
        ),
        decided_on=datetime.fromisoformat(document["decided_on"]),
    )


def _moments(document: Document) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(document[name]) for name in ("created_on", "modified_on")}
