"""Record what staff and commands do."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model

from django_faceauth.models import AuditEntry, database

logger = logging.getLogger(__name__)

#: Details are words and numbers, never personal data.
Fact = str | int | bool | None


def note(
    event: str,
    *,
    by: AbstractBaseUser | None,
    about: Model | None = None,
    now: datetime,
    **details: Fact,
) -> AuditEntry:
    """Add an entry: what was done, by whom (None for a command), about which row.

    Call it in the transaction of the change. Logs the same line on commit.
    """
    entry = AuditEntry.objects.create(
        at=now,
        event=AuditEntry.Event(event),
        by_id=None if by is None else by.pk,
        subject="" if about is None else subject_of(about),
        details=details,
    )
    line = "audit: %s by=%s about=%s %s"
    database.on_commit(
        partial(logger.info, line, event, entry.by_id or "-", entry.subject or "-", details)
    )
    return entry


def subject_of(row: Model) -> str:
    """Return how entries name a row: `faceauth.faceauthentication:12`."""
    return f"{row._meta.label_lower}:{row.pk}"
