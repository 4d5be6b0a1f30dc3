"""How long the database may take over what a caller of ours waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from django_faceauth.models import database

Wrapper = Callable[[Any, str, Any, bool, Any], Any]


@contextmanager
def time_limit(limit: timedelta) -> Iterator[None]:
    """Let each statement in this block fail with an `OperationalError` after `limit`.

    Held on PostgreSQL (with psycopg 3, as Django sets it up) and on MariaDB. SQLite waits
    for as long as the connection's own `timeout` says. Inside of a transaction nothing is
    limited: that is somebody else's.
    """
    connection = database.connection()
    wrapper = None if connection.in_atomic_block else _limiting(connection, limit)
    if wrapper is None:
        yield
        return
    with connection.execute_wrapper(wrapper):
        yield


def _limiting(connection: BaseDatabaseWrapper, limit: timedelta) -> Wrapper | None:
    if connection.vendor == "postgresql" and _sends_statements_together(connection):
        return _together(f"SET LOCAL statement_timeout = {limit // timedelta(milliseconds=1)}")
    if getattr(connection, "mysql_is_mariadb", False):
        return _behind(f"SET STATEMENT max_statement_time = {limit.total_seconds():g} FOR")
    return None


def _sends_statements_together(connection: BaseDatabaseWrapper) -> bool:
    options = connection.settings_dict["OPTIONS"]
    driver = connection.Database.__name__  # type: ignore[attr-defined]  # every backend has it
    return driver == "psycopg" and not options.get("server_side_binding")


def _together(first: str) -> Wrapper:
    """Send a statement before each, in one go: the two are one transaction of their own."""

    def execute_both(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(f"{first}; {sql}", params, many, context)
        context["cursor"].nextset()
        return result

    return execute_both


def _behind(prefix: str) -> Wrapper:
    """Put something before each statement."""

    def execute_prefixed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(f"{prefix} {sql}", params, many, context)

    return execute_prefixed
