"""The database of our tables, and its transactions.

All our tables and that of the users are in one database: the one that the site's routers name
for writing. It is read from there too, because a replica may not have received a challenge, an
attempt or a revocation yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from django.apps import apps
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    connections,
    models,
    router,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
View = TypeVar("View", bound=Callable[..., Any])
Model = TypeVar("Model", bound=models.Model)

#: Two transactions met: a deadlock, or a row that has changed since this one began. (MariaDB
#: and MySQL: deadlock, record has changed; PostgreSQL: serialization failure, deadlock.)
COLLISIONS: Final = frozenset({1213, 1020, "40001", "40P01"})


def alias(model: type[models.Model] | None = None) -> str:
    """Return the name of the database with our tables, or with that of `model`."""
    return router.db_for_write(model or apps.get_model("faceauth", "FaceChallenge"))


def connection(model: type[models.Model] | None = None) -> BaseDatabaseWrapper:
    """Return this thread's connection to that database."""
    return connections[alias(model)]


@contextmanager
def atomic(model: type[models.Model] | None = None) -> Iterator[None]:
    """Run the block in a transaction, or in a savepoint of the current one.

    On SQLite a transaction takes the write lock when it begins: one that reads before it writes
    would fail at once, without waiting, if another one wrote meanwhile.
    """
    ours: Any = connection(model)
    with ExitStack() as stack:
        if ours.vendor == "sqlite" and not ours.in_atomic_block:
            ours.ensure_connection()  # sets what is replaced below
            mode, ours.transaction_mode = ours.transaction_mode, "IMMEDIATE"
            try:
                stack.enter_context(transaction.atomic(using=ours.alias))
            finally:
                ours.transaction_mode = mode
        else:
            stack.enter_context(transaction.atomic(using=ours.alias))
        yield


@contextmanager
def shared() -> Iterator[None]:
    """Run the block in one transaction for our rows and those of the site.

    If the site uses another database, ours is committed first: a grant consumed for nothing is
    better than work done without a grant.
    """
    with ExitStack() as stack:
        if alias() != DEFAULT_DB_ALIAS:
            engine = connections[DEFAULT_DB_ALIAS].settings_dict["ENGINE"]
            if engine != "django.db.backends.dummy":
                stack.enter_context(transaction.atomic(using=DEFAULT_DB_ALIAS))
        stack.enter_context(atomic())
        yield


@contextmanager
def savepoint() -> Iterator[None]:
    """Run the block in savepoints of the transactions that are open, ours and the site's."""
    with ExitStack() as stack:
        for name in {DEFAULT_DB_ALIAS, alias()}:
            if connections[name].in_atomic_block:
                stack.enter_context(transaction.atomic(using=name))
        yield


def must_roll_back() -> bool:
    """Return whether one of these transactions can only be rolled back.

    MariaDB ends the whole transaction at a deadlock, with its savepoints.
    """
    return any(connections[name].needs_rollback for name in {DEFAULT_DB_ALIAS, alias()})


def roll_back() -> None:
    """Roll back the transactions of `shared`."""
    for name in {DEFAULT_DB_ALIAS, alias()}:
        if connections[name].in_atomic_block:
            transaction.set_rollback(True, using=name)


def on_commit(
    function: Callable[[], object], *, model: type[models.Model] | None = None, robust: bool = False
) -> None:
    """Call a function once our rows, or those of `model`, are committed."""
    transaction.on_commit(function, using=alias(model), robust=robust)


def is_surrounded() -> bool:
    """Return whether a transaction is open, apart from that of a test case."""
    blocks: list[Any] = connection().atomic_blocks
    return any(not block._from_testcase for block in blocks)


def non_atomic(view: View) -> View:
    """Exempt a view from the transactions of `ATOMIC_REQUESTS` in every database."""
    for name in connections:
        view = transaction.non_atomic_requests(using=name)(view)
    return view


def repeated(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Call the function once more if its transaction collided with another one.

    Only if it began the transaction: inside a transaction of the site the error is raised. The
    function must have no effects that a rollback leaves.
    """

    @wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except DatabaseError as error:
            if not may_repeat(error):
                raise
        return function(*args, **kwargs)

    return wrapper


def may_repeat(error: DatabaseError) -> bool:
    """Return whether a transaction ended in a collision and is ours to repeat."""
    ours, cause = connection(), error.__cause__
    codes = {getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None)}
    collisions = COLLISIONS
    if ours.vendor == "mysql":
        codes = {*error.args[:1]}
        if isinstance(error, IntegrityError):
            # A row that this transaction could not see exists already.
            collisions = frozenset({1062})
    if collisions.isdisjoint(codes):
        return False
    is_ours = not ours.in_atomic_block
    outcome = "repeated" if is_ours else "left to the transaction around it"
    logger.info("collision in the database, %s: %s", outcome, type(error).__name__)
    return is_ours


def skip_locked(rows: models.QuerySet[Model]) -> models.QuerySet[Model]:
    """Lock the rows, without those that other transactions hold if the database can skip them."""
    skips = connection(rows.model).features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=skips)


class Rows(models.QuerySet[Model]):
    """A queryset that reads from the database that is written to."""

    @property
    def db(self) -> str:
        queryset: Any = self  # the type stubs leave these attributes out
        return queryset._db or router.db_for_write(self.model, **queryset._hints)


class Row(models.Model):
    """Base of our models."""

    objects = Rows.as_manager()
    # For the look-ups of Django itself: relations, refreshes and cascades.
    _rows = Rows.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "_rows"

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
