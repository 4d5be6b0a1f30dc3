"""Record what staff and commands do."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model

from django_faceauth.models import AuditEntry, database

logger = logging.getLogger(__name__)

#: Details are words and numbers, never personal data: the entry stays when its user is erased.
Fact = str | int | bool | datetime | None


def note(
    event: str,
    *,
    by: AbstractBaseUser | None,
    about: Model | None = None,
    user: AbstractBaseUser | None = None,
    now: datetime,
    **details: Fact,
) -> AuditEntry:
    """Add an entry: what was done, by whom (None for a command), about which row.

    `user` is whom it is about, if the row is neither a user nor has one. Call it in the
    transaction of the change. Logs the same line on commit.
    """
    if isinstance(about, AbstractBaseUser):
        user = about
    entry = AuditEntry.objects.create(
        at=now,
        event=AuditEntry.Event(event),
        by_id=None if by is None else by.pk,
        user_id=getattr(about, "user_id", None) if user is None else user.pk,
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
