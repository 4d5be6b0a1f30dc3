"""A real server under real load: gunicorn with two workers, and a client without a library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import count, takewhile
from statistics import median, quantiles
from time import perf_counter, sleep

from django.db import connection

from benchmarks import broker, deliveries, server
from benchmarks.deliveries import LIMIT_SENT, OURS
from benchmarks.figures import Figure, milliseconds
from benchmarks.server import Address

RATE = 200
#: Connections at once: in the open loop as many as may be late, in the closed one enough
#: that no worker waits.
PATIENCE, CROWD = 32, 6

#: Answers an event with the status of the response.
Send = Callable[[str], int]


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield latencies at a fixed rate, and how many a second are too many."""
    if connection.vendor == "sqlite" or not broker.is_there():
        yield Figure("under load", "skipped: needs a database server and a broker")
        return
    with server.running(FACEAUTH_CELERY="True") as address:

        def send(path: str) -> int:
            return _post(address, path)

        yield from _at_a_fixed_rate(send, seconds=5 if quick else 60)
        yield _saturation(send, rounds=2 if quick else 8, seconds=1.0 if quick else 4.0)
    broker.clear()


def _at_a_fixed_rate(send: Send, seconds: int) -> Iterator[Figure]:
    what = f"{RATE} events/s for {seconds} s"
    # The reference tells what of it is the machine's.
    theirs = quantiles(_delays(send, LIMIT_SENT, seconds), n=100)
    delays = _delays(send, OURS, seconds)
    ours = quantiles(delays, n=100)
    p50, p99 = (milliseconds(ours[at]) for at in (49, 98))
    yield Figure(f"{what}, p50", p50, milliseconds(theirs[49]))
    yield Figure(f"{what}, p99 in ms", p99, milliseconds(theirs[98]), ours[98] * 1000, most=100)
    yield Figure(f"{what}, max", milliseconds(max(delays)))


def _delays(send: Send, path: str, seconds: int) -> list[float]:
    """Send when the time has come, whether or not the last answer is there."""
    begun = perf_counter() + 0.1

    def late(number: int) -> float:
        moment = begun + number / RATE
        sleep(max(0.0, moment - perf_counter()))
        if send(path) != HTTPStatus.OK:
            raise RuntimeError("an event was not kept")
        return perf_counter() - moment

    with ThreadPoolExecutor(PATIENCE) as pool:
        return list(pool.map(late, range(RATE * seconds)))


def _saturation(send: Send, rounds: int, seconds: float) -> Figure:
    """Send as fast as answers come, ours and the reference in turns."""
    pairs = [(_rate(send, OURS, seconds), _rate(send, LIMIT_SENT, seconds)) for _ in range(rounds)]
    return Figure(
        "at saturation, with Celery",
        f"{median(mine for mine, _ in pairs):.0f}/s",
        f"{median(theirs for _, theirs in pairs):.0f}/s",
        median(mine / theirs for mine, theirs in pairs),
        least=0.75,
    )


def _rate(send: Send, path: str, seconds: float) -> float:
    end = perf_counter() + seconds

    def crowd(_: int) -> int:
        going = takewhile(lambda _: perf_counter() < end, count())
        return sum(send(path) == HTTPStatus.OK for _ in going)

    with ThreadPoolExecutor(CROWD) as pool:
        return sum(pool.map(crowd, range(CROWD))) / seconds


def _post(address: Address, path: str) -> int:
    body = deliveries.event()
    signature = deliveries.signature(body)
    headers = {"Content-Type": "application/json", "Cko-Signature": signature}
    return server.send(address, "POST", path, headers, body)
