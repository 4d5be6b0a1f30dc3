"""Whether the sweep finds ten due rows among a million that are done with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import quantiles
from time import perf_counter
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from benchmarks.figures import Figure, milliseconds
from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.services.background import sweep

FEW, DUE, INDEX = 1_000, 10, "faceauth_due"
TABLE = FaceAuthentication._meta.db_table


@dataclass(slots=True)
class _Watch:
    """Notes statements, and the seconds that the database took over them."""

    asked: list[tuple[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += perf_counter() - begun
            self.asked.append((sql, params))


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the time of one sweep over few rows and over many, and its query plan."""
    many, times = (20_000, 30) if quick else (1_000_000, 200)
    FaceAuthentication.objects.all().delete()
    WebhookEvent.objects.all().delete()
    done = _finished()
    _copy(done, FEW - 1)
    few, few_whole = _seconds(times)
    _copy(done, many - FEW)
    found, whole = _seconds(times)
    what = f"sweep, {DUE} due of {many}"
    shown = milliseconds(found), milliseconds(few)
    yield Figure(f"{what}, statements in ms", *shown, value=found * 1000, most=5)
    yield Figure(f"{what}, against {FEW}", *shown, value=found / few, most=1.5)
    shown = milliseconds(whole), milliseconds(few_whole)
    yield Figure(f"{what}, all of it", *shown, value=whole / few_whole)
    plan = _plan()
    yield Figure(f"its plan uses {INDEX}: {plan}", "", value=INDEX in plan, least=1)


def _seconds(times: int) -> tuple[float, float]:
    """Return the times of the statements of `take`, and of all of it.

    Times that are not compared in turns: those of the quickest tenth, which other
    programs of the machine disturbed least.
    """
    _tidy_up()
    statements, wholes = zip(*(_take(_Watch()) for _ in range(times)), strict=True)
    return quantiles(statements, n=10)[0], quantiles(wholes, n=10)[0]


def _take(watch: _Watch) -> tuple[float, float]:
    """Take the same rows, due again; return the seconds of the statements, and of all."""
    now = timezone.now()
    due = FaceAuthentication.objects.filter(pk__in=_chosen())
    due.update(next_poll_at=now - timedelta(seconds=1))
    with connection.execute_wrapper(watch):
        begun = perf_counter()
        taken = sweep.claim_due(now=now).authentications
        seconds = perf_counter() - begun
    if len(taken) != DUE:
        raise RuntimeError("the sweep did not find what is due")
    return watch.seconds, seconds


def _chosen() -> list[int]:
    return list(FaceAuthentication.objects.order_by("pk").values_list("pk", flat=True)[:DUE])


def _finished() -> FaceAuthentication:
    user, _ = get_user_model().objects.get_or_create(username="bench")
    return FaceAuthentication.objects.create(
        user=user,
        applicant_id="aplt_" + "a" * 26,
        user_journey_id="usj_" + "a" * 26,
        environment="sandbox",
        status="approved",
        response_codes=[{"code": 10000, "summary": "ok"}],
    )


def _copy(row: FaceAuthentication, count: int) -> None:
    """Add copies of a row in one statement, each with an id of its own, and none of them due."""
    FaceAuthentication.objects.update(next_poll_at=None)
    names = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    names.remove("provider_id")
    columns = ", ".join(map(connection.ops.quote_name, names))
    start = FaceAuthentication.objects.count()
    number = f"'fav_' || ({start} + n)"
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            number = f"CONCAT('fav_', {start} + n)"
            cursor.execute("SET SESSION max_recursive_iterations = 2000000")
        cursor.execute(
            f"INSERT INTO {TABLE} (provider_id, {columns}) "  # noqa: S608 - no value is foreign
            "WITH RECURSIVE numbers (n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
            f"SELECT {number}, {columns} FROM numbers, {TABLE} WHERE {TABLE}.id = %s",
            [count, row.pk],
        )


def _tidy_up() -> None:
    """Do what a database that has run for a while has done by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM ANALYZE {TABLE}")


def _plan() -> str:
    """Return how the database finds the due rows, for the very statement of the sweep."""
    watch = _Watch()
    _take(watch)
    sql, params = next(
        one for one in watch.asked if one[0].startswith("SELECT") and "next_poll_at" in one[0]
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{connection.ops.explain_query_prefix()} {sql}", params)
        return "; ".join(" ".join(map(str, row)).strip() for row in cursor.fetchall())
