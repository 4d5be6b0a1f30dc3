"""Contain unexpected errors, so that one row does not stop the others."""

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

#: The database is away, which is not the fault of a row: raised, and everything is tried again.
AWAY: Final = (OperationalError, InterfaceError)


def cause_of(error: Exception) -> str:
    """Return the class name of an error, cut to the length of our columns."""
    return type(error).__name__[:64]


def note(error: Exception, about: object) -> None:
    """Log and count an unexpected error, without its text, which may contain personal data."""
    metrics.count("unforeseen")
    logger.error("unforeseen: %s %s", cause_of(error), about)
    logger.debug("unforeseen", exc_info=error)


@contextmanager
def contained(about: object) -> Iterator[None]:
    """Go on after the block whatever it raises, unless the database is away."""
    try:
        yield
    except AWAY:
        raise
    except Exception as error:
        note(error, about)


def end(rows: QuerySet[Any], keys: Sequence[Any], work: Callable[[QuerySet[Any]], object]) -> int:
    """Do `work` to the rows with those keys in one transaction; return how many succeeded.

    If that fails it is done row by row, and rows that fail are left.
    """
    try:
        with database.atomic():
            work(rows.filter(pk__in=keys))
    except AWAY:
        raise
    except Exception as error:
        if len(keys) == 1:
            note(error, f"{rows.model._meta.model_name}={keys[0]}")
            return 0
    else:
        return len(keys)
    return sum(end(rows, [key], work) for key in keys)
