"""What strangers can do to the address that everybody may call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from time import process_time

from django.core.handlers.wsgi import WSGIHandler

from benchmarks import deliveries
from benchmarks.deliveries import OURS, Environ
from benchmarks.figures import Figure, peak
from django_faceauth.models import WebhookEvent

#: Nothing is there: the least that Django answers.
NOWHERE = "/nowhere/"
BATCH = 500


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the rate, and what was left behind."""
    handler, requests = WSGIHandler(), 2_000 if quick else 50_000
    _throw(handler, OURS, requests // 10)  # warms up
    rows, memory = WebhookEvent.objects.count(), peak()
    turns = [(_throw(handler, OURS), _throw(handler, NOWHERE)) for _ in range(requests // BATCH)]
    rate, plain = (requests / sum(seconds) for seconds in zip(*turns, strict=True))
    against = f"{plain:.0f} as 404"
    yield Figure("junk, requests a second and core", f"{rate:.0f}", against, rate, least=2000)
    kept = WebhookEvent.objects.count() - rows
    yield Figure("junk, rows kept", f"{kept} of {requests}", value=kept, most=0)
    grown = peak() - memory
    yield Figure(f"junk, MiB grown in {requests}", f"{grown:.2f}", value=grown, most=1)


def _throw(handler: WSGIHandler, path: str, count: int = BATCH) -> float:
    """Return the processor time that so many took."""
    requests = list(islice(_junk(path), count))
    begun = process_time()
    for environ in requests:
        handler(environ, deliveries.start).close()
    return process_time() - begun


def _junk(path: str) -> Iterator[Environ]:
    make, body, huge = partial(deliveries.environ, path), deliveries.event(), b"[" * 100_000
    while True:
        yield make(body, "1" * 64)
        yield make(body, None)
        yield make(body, "no signature" * 100)
        yield make(huge, "0" * 64)
        yield make(huge, "0" * 64, CONTENT_LENGTH="9" * 30)
        yield make(bytes(range(256)), "0" * 64)
        yield make(body, "0" * 64, CONTENT_TYPE="text/\xff;;charset")
        yield make(b"", None, REQUEST_METHOD="GET")
