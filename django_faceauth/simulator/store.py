"""Stored cases, always read as of now.

The only writer of cases, and so the one that queues webhooks for their changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import EnumType
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from django_faceauth.models import database
from django_faceauth.simulator import webhook_queue
from django_faceauth.simulator.models import StoredCase
from django_faceauth.simulator.state_machine import Case, Unknown, advance, due_on

Document = dict[str, Any]

#: The types of the fields of a dataclass; a case has many attempts.
_types_of = cache(get_type_hints)


@database.atomic(StoredCase)
def add(*versions: Case) -> None:
    """Store a new case, which may have gone through several versions at once."""
    case = versions[-1]
    StoredCase.objects.create(id=case.id, document=dump(case), due_on=due_on(case))
    webhook_queue.post(None, *versions, now=case.created_on)


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
    case: Case = _parse(Case, document)
    return case


def _parse(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) is UnionType:
        [kind] = set(get_args(kind)) - {NoneType}
    if isinstance(kind, type) and is_dataclass(kind):
        kinds = _types_of(kind)
        return kind(**{name: _parse(kinds[name], item) for name, item in value.items()})
    if get_origin(kind) is tuple:
        return tuple(_parse(get_args(kind)[0], item) for item in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return kind(value) if isinstance(kind, EnumType) else value
