"""What the permission adds to an API view, and what clients cost that wait for a face."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count, takewhile
from statistics import quantiles
from time import perf_counter, sleep

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.utils import timezone

from benchmarks import server
from benchmarks.figures import Figure, milliseconds
from benchmarks.gate import VISITORS, added, queries, versus, visitor
from benchmarks.server import Address
from django_faceauth.models import FaceChallenge

PLAIN, WINDOW, BOUND = "/gated/api/login/", "/gated/api/window/", "/gated/api/bound/1/"
#: Clients that wait at once, each as patient as it is told to be.
CROWD, PATIENCE = 100, 2.0


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the ratios and the counts of queries of open gates, and the delays of the crowd."""
    handler, cookies = WSGIHandler(), [visitor(VISITORS + number) for number in range(VISITORS)]
    batches = 11 if quick else 201
    against = partial(versus, handler, cookies, plain=PLAIN, batches=batches, size=VISITORS)
    plain = queries(handler, PLAIN, cookies[0])
    yield against("permission on a fresh window, against IsAuthenticated", WINDOW, most=1.25)
    yield added("permission: queries added", handler, WINDOW, cookies[0], plain, most=1)
    yield against("bound permission, against IsAuthenticated", BOUND)
    if connection.vendor != "sqlite":  # whose server would need a file that is there already
        yield from _waiting(cookies, seconds=6 if quick else 30)


def _waiting(cookies: list[str], seconds: int) -> Iterator[Figure]:
    """Ask where a challenge stands as waiting clients do, and for a plain view as often."""
    states = [_state_of(cookie) for cookie in cookies]
    with server.running() as address:
        ours = _delays(address, states, cookies, seconds)
        theirs = _delays(address, [PLAIN] * len(cookies), cookies, seconds)
    what = f"{CROWD} clients that wait, {len(ours) / seconds:.0f} questions/s"
    for name, at in (("p50", 49), ("p99", 98)):
        mine, reference = (quantiles(delays, n=100)[at] for delays in (ours, theirs))
        yield Figure(
            f"{what}, {name}", milliseconds(mine), milliseconds(reference), mine / reference
        )


def _state_of(cookie: str) -> str:
    """Return the address of a question of that visitor, which is under way."""
    from django.contrib.sessions.models import Session

    user_id = Session.objects.get(pk=cookie).get_decoded()["_auth_user_id"]
    now = timezone.now()
    challenge = FaceChallenge.objects.filter(user_id=user_id, action="pay").latest("pk")
    FaceChallenge.objects.filter(pk=challenge.pk).update(
        state="open", dedup_key=f"waits {challenge.pk}", started_at=now, verified_at=None
    )
    row = challenge.authentication
    row.status, row.next_poll_at = "capture_in_progress", now + timedelta(hours=1)
    row.save()
    return f"/face/api/challenges/{challenge.handle}/"


def _delays(address: Address, paths: list[str], cookies: list[str], seconds: int) -> list[float]:
    end = perf_counter() + seconds

    def client(number: int) -> list[float]:
        path, cookie = (each[number % len(each)] for each in (paths, cookies))
        sleep(PATIENCE * number / CROWD)  # they did not come all at once
        going = takewhile(lambda _: perf_counter() < end, count())
        return [_ask(address, path, cookie) for _ in going]

    with ThreadPoolExecutor(CROWD) as pool:
        return [delay for delays in pool.map(client, range(CROWD)) for delay in delays]


def _ask(address: Address, path: str, cookie: str) -> float:
    begun = perf_counter()
    status = server.send(address, "GET", path, {"Cookie": f"sessionid={cookie}"})
    delay = perf_counter() - begun
    if status != 200:
        raise AssertionError(f"{path} answered {status}")
    sleep(max(0.0, PATIENCE - delay))
    return delay
