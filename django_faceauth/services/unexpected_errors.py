"""One row whose handling fails must not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from django_faceauth import metrics
from django_faceauth.models import database

logger = logging.getLogger(__name__)

#: The database is away, which is no fault of a row: it is raised, and all is tried again.
AWAY: Final = (OperationalError, InterfaceError)

LONGEST_CAUSE: Final = 64


def cause_of(error: Exception) -> str:
    """Return the kind of an error, as much of it as the columns for it take."""
    return type(error).__name__[:LONGEST_CAUSE]


def note(error: Exception, about: object) -> None:
    """Log and count an error that nothing foresaw, without its text, which may name people."""
    metrics.count("unforeseen")
    logger.error("unforeseen: %s %s", cause_of(error), about)
    logger.debug("unforeseen", exc_info=error)


@contextmanager
def contained(about: object) -> Iterator[None]:
    """Go on after the block, whatever it raises but that the database is away."""
    try:
        yield
    except AWAY:
        raise
    except Exception as error:
        note(error, about)


def end(rows: QuerySet[Any], keys: Sequence[Any], work: Callable[[QuerySet[Any]], object]) -> int:
    """Do `work` to the rows with those keys in one transaction; return how many it was done to.

    If that fails it is done to one after the other, and those that fail are left.
    """
    error: Exception | None = None
    try:
        with database.atomic():
            work(rows.filter(pk__in=keys))
    except AWAY:
        raise
    except Exception as trouble:
        error = trouble
    if error is None:
        return len(keys)
    if len(keys) == 1:
        note(error, f"{rows.model._meta.model_name}={keys[0]}")
        return 0
    return sum(end(rows, [key], work) for key in keys)
