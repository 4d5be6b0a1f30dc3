"""Which database our tables are in, and transactions there.

All our tables, those of the users among them, are in one database: the one that the site's
routers name for writing. It is read from there too, because a replica may not have heard yet
of a question, an attempt or a revocation.
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
#: A row that this transaction could not see is there already (MariaDB and MySQL).
DUPLICATE: Final = 1062


def alias(model: type[models.Model] | None = None) -> str:
    """Return the name of the database with our tables, or with that of `model`."""
    return router.db_for_write(model or apps.get_model("faceauth", "FaceChallenge"))


def connection(model: type[models.Model] | None = None) -> BaseDatabaseWrapper:
    """Return this thread's connection to that database."""
    return connections[alias(model)]


@contextmanager
def atomic(model: type[models.Model] | None = None) -> Iterator[None]:
    """Make one transaction of the block, or a part of the one that there is.

    On SQLite it takes the lock for writing when it begins: a transaction that reads before it
    writes would fail at once, without waiting, if another one wrote meanwhile.
    """
    ours = connection(model)
    with ExitStack() as stack:
        with _beginning_with_the_lock(ours):
            stack.enter_context(transaction.atomic(using=ours.alias))
        yield


@contextmanager
def shared() -> Iterator[None]:
    """Make one transaction of the block, for our rows and for those of the site.

    Where these are in another database, ours is committed first: a grant that was used up for
    nothing is better than work that was done for nothing.
    """
    with ExitStack() as stack:
        if alias() != DEFAULT_DB_ALIAS and _is_configured(DEFAULT_DB_ALIAS):
            stack.enter_context(transaction.atomic(using=DEFAULT_DB_ALIAS))
        stack.enter_context(atomic())
        yield


def roll_back() -> None:
    """Have the transactions of `shared` take back what was written in them."""
    for name in {DEFAULT_DB_ALIAS, alias()}:
        if connections[name].in_atomic_block:
            transaction.set_rollback(True, using=name)


def on_commit(
    function: Callable[[], object],
    *,
    model: type[models.Model] | None = None,
    robust: bool = False,
) -> None:
    """Call a function once our rows are committed, or those of `model`."""
    transaction.on_commit(function, using=alias(model), robust=robust)


def is_surrounded() -> bool:
    """Tell whether a transaction that is not of a test case lasts already."""
    blocks: list[Any] = connection().atomic_blocks
    return any(not block._from_testcase for block in blocks)


def non_atomic(view: View) -> View:
    """Keep a view out of the transactions of `ATOMIC_REQUESTS`, whichever database has them."""
    for name in connections:
        view = transaction.non_atomic_requests(using=name)(view)
    return view


def repeated(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Do what the function does once more if its transaction collided with another one.

    Only where it began the transaction: one of the site's own is the site's to repeat, and the
    error goes through to it. The function must do nothing that is not taken back.
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
    """Tell whether what ended so is worth doing once more, and is ours to repeat."""
    if not _is_collision(error):
        return False
    is_ours = not connection().in_atomic_block
    said = "repeated" if is_ours else "left to the transaction around it"
    logger.info("collision in the database, %s: %s", said, type(error).__name__)
    return is_ours


def _is_collision(error: DatabaseError) -> bool:
    cause = error.__cause__
    codes = {getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None)}
    if connection().vendor == "mysql":
        codes = {*error.args[:1]}
        if isinstance(error, IntegrityError):
            return DUPLICATE in codes
    return not COLLISIONS.isdisjoint(codes)


class Rows(models.QuerySet[Model]):
    """A queryset that reads where is written."""

    @property
    def db(self) -> str:
        """The database that is asked."""
        queryset: Any = self  # the type stubs leave these attributes out
        return queryset._db or router.db_for_write(self.model, **queryset._hints)


class Row(models.Model):
    """A row of ours."""

    objects = Rows.as_manager()
    # What Django itself looks up: the other end of a relation, a row to refresh, a cascade.
    _rows = Rows.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "_rows"


@contextmanager
def _beginning_with_the_lock(ours: BaseDatabaseWrapper) -> Iterator[None]:
    if ours.vendor != "sqlite" or ours.in_atomic_block:
        yield
        return
    ours.ensure_connection()  # sets what is replaced below
    sqlite: Any = ours
    mode = sqlite.transaction_mode
    sqlite.transaction_mode = "IMMEDIATE"
    try:
        yield
    finally:
        sqlite.transaction_mode = mode


def _is_configured(name: str) -> bool:
    engine: str = connections[name].settings_dict["ENGINE"]
    return engine != "django.db.backends.dummy"
