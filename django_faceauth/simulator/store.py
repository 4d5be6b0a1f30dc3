"""Where cases are kept between two requests. Whatever is read has been moved up to now.

The only writer of cases, and so the one that has merchants told of what happens to them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import QuerySet

from django_faceauth.models import database
from django_faceauth.simulator import events, webhook_queue
from django_faceauth.simulator.documents import dump, load
from django_faceauth.simulator.models import StoredCase
from django_faceauth.simulator.state_machine import Case, Unknown, advance, due_on


@database.atomic(StoredCase)
def add(case: Case) -> None:
    """Keep a new case."""
    StoredCase.objects.create(id=case.id, document=dump(case), due_on=due_on(case))
    webhook_queue.post(events.between(None, case), case.created_on)


def read(case_id: str, now: datetime) -> Case:
    """Return a case as it is now, or raise `Unknown`."""
    case = load(_row(StoredCase.objects.all(), case_id).document)
    # Only a case that time has moved takes the lock: waiting clients read very often.
    if advance(case, now) is case:
        return case
    return change(case_id, lambda moved: moved, now)


def change(case_id: str, transition: Callable[[Case], Case], now: datetime) -> Case:
    """Move a case up to now, apply `transition` and keep the result, alone on its row."""
    with database.atomic(StoredCase):
        row = _row(StoredCase.objects.select_for_update(), case_id)
        before = load(row.document)
        moved = advance(before, now)
        case = transition(moved)
        row.document, row.due_on = dump(case), due_on(case)
        row.save()
        webhook_queue.post((*events.between(before, moved), *events.between(moved, case)), now)
    return case


def advance_due(now: datetime) -> None:
    """Move all cases up to now that time alone changes, so that nobody needs to read them."""
    for case_id in StoredCase.objects.filter(due_on__lte=now).values_list("id", flat=True):
        read(case_id, now)


def _row(rows: QuerySet[StoredCase], case_id: str) -> StoredCase:
    try:
        return rows.get(id=case_id)
    except StoredCase.DoesNotExist:
        raise Unknown from None
