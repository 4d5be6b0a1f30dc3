"""What one webhook costs, through the whole of Django's handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from benchmarks import broker, deliveries
from benchmarks.deliveries import LIMIT, LIMIT_SENT, OURS, Environ
from benchmarks.figures import Figure, Side, compare

Make = Callable[[str], Environ]


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the figures: new, told again, forged; then with Celery."""
    batches, size = (11, 10) if quick else (81, 20)
    handler = WSGIHandler()
    versus = partial(_versus, handler, batches=batches, size=size)
    yield versus("new event, until the answer", deliveries.genuine, most=1.3)
    yield _statements(handler, "new event: statements", deliveries.genuine(OURS), most=1)
    again = deliveries.event()
    told_again = partial(deliveries.environ, body=again, signed=deliveries.signature(again))
    yield versus("redelivery", told_again, most=1.0)
    yield _statements(handler, "redelivery: statements", told_again(OURS), most=1)
    yield versus("wrong signature", deliveries.forged, most=1.0)
    yield _forged_against_new(handler, batches, size)
    yield _statements(handler, "wrong signature: statements", deliveries.forged(OURS), most=0)
    if not broker.is_there():
        yield Figure("with Celery", "skipped: no broker")
        return
    with override_settings(FACEAUTH_CELERY=True):
        celery = partial(_versus, handler, reference=LIMIT_SENT, closes=True, most=1.3)
        yield celery("with Celery, and sent", deliveries.genuine, batches=batches, size=size)
    broker.clear()


def _versus(
    handler: WSGIHandler,
    what: str,
    make: Make,
    *,
    reference: str = LIMIT,
    closes: bool = False,
    **options: Any,
) -> Figure:
    sides = (_side(handler, path, make, closes) for path in (OURS, reference))
    return compare(what, *sides, **options)


def _forged_against_new(handler: WSGIHandler, batches: int, size: int) -> Figure:
    ours = _side(handler, OURS, deliveries.forged, closes=False)
    reference = _side(handler, LIMIT, deliveries.genuine, closes=False)
    return compare(
        "wrong signature, against a new event", ours, reference, batches=batches, size=size
    )


def _side(handler: WSGIHandler, path: str, make: Make, closes: bool) -> Side:
    return Side(
        prepare=lambda size: [make(path) for _ in range(size)],
        run=partial(_answer_and_close if closes else _answer, handler),
        after=lambda _: None,
    )


def _answer(handler: WSGIHandler, environ: Environ) -> HttpResponse:
    # Never closed: what ours does then is done when the provider has its answer.
    return handler(environ, deliveries.start)


def _answer_and_close(handler: WSGIHandler, environ: Environ) -> None:
    handler(environ, deliveries.start).close()


def _statements(handler: WSGIHandler, what: str, environ: Environ, most: float) -> Figure:
    with CaptureQueriesContext(connection) as captured:
        _answer(handler, environ)
    words = [query["sql"].split()[0] for query in captured.captured_queries]
    frame = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}
    count = sum(word not in frame for word in words)
    return Figure(what, " ".join(words) or "none", value=count, most=most)
