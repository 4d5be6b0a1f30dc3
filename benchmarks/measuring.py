"""Figures, their budgets, and comparisons of two kinds of requests."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

Environ = dict[str, Any]
#: Makes the requests of one batch; not timed.
Prepare = Callable[[], Sequence[Environ]]

FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET")

handler = WSGIHandler()
request_factory = RequestFactory()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `value` is held against the budget, if there is one."""

    what: str
    ours: str
    reference: str = ""
    value: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether the budget is broken."""
        if self.value is None:
            return False
        too_much = self.most is not None and self.value > self.most
        return too_much or (self.least is not None and self.value < self.least)

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the table."""
        value = "" if self.value is None else f"{self.value:.2f}"
        bounds = (("<=", self.most), (">=", self.least))
        budget = " ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        verdict = ("over" if self.is_over else "ok") if budget and value else ""
        return (self.what, self.ours, self.reference, value, budget, verdict)


def answer(environ: Environ) -> HttpResponse:
    """Send a request through the whole of Django's handler, and leave the response open."""
    return handler(environ, lambda _status, _headers: None)


def compare(
    what: str,
    ours: Prepare,
    reference: Prepare,
    *,
    batches: int,
    most: float | None = None,
    run: Callable[[Environ], object] = answer,
) -> Figure:
    """Run both in turns, so that other work of the machine meets both.

    The ratio is the median of those of neighbouring batches.
    """
    for prepare in (ours, reference):
        _seconds(prepare, run)  # warms up
    pairs = []
    for number in range(batches):
        order = (ours, reference) if number % 2 else (reference, ours)
        seconds = {prepare: _seconds(prepare, run) for prepare in order}
        pairs.append((seconds[ours], seconds[reference]))
    return Figure(
        what,
        milliseconds(median(mine for mine, _ in pairs)),
        milliseconds(median(theirs for _, theirs in pairs)),
        median(mine / theirs for mine, theirs in pairs),
        most=most,
    )


def _seconds(prepare: Prepare, run: Callable[[Environ], object]) -> float:
    """Return the seconds that one request of a batch took."""
    requests = prepare()
    gc.collect()
    gc.disable()
    begun = perf_counter()
    for environ in requests:
        run(environ)
    seconds = perf_counter() - begun
    gc.enable()
    return seconds / len(requests)


def statements(environ: Environ) -> list[str]:
    """Return the statements of one request without those that frame its transactions."""
    with CaptureQueriesContext(connection) as captured:
        answer(environ)
    texts = [str(query["sql"]) for query in captured.captured_queries]
    return [sql for sql in texts if not sql.startswith(FRAME)]


def milliseconds(seconds: float) -> str:
    """Return a duration as text."""
    return f"{seconds * 1000:.3f} ms"
