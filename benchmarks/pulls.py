"""How fast due rows are brought up to date, while the provider takes its time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import perf_counter
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from benchmarks import stub
from benchmarks.figures import Figure
from django_faceauth.models import FaceAuthentication
from django_faceauth.provider.factory import answered_by, get_client
from django_faceauth.services.background import sweep
from django_faceauth.services.sync import provider_rate_limit

#: Seconds that the provider takes for an answer, and that we may add.
ANSWER, OVERHEAD = 0.05, 0.002

Item = TypeVar("Item", int, str)


class _Detour(HTTPAdapter):
    """Goes to the stub instead: with DEBUG on, as its address needs, Django keeps all queries."""

    def __init__(self, url: str) -> None:
        super().__init__(pool_maxsize=8)
        self._url = url

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """Send what was meant for the provider."""
        request.url = self._url + request.path_url
        return super().send(request, **options)


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the rates with one, four and eight threads."""
    seconds, rounds = (1, 1) if quick else (4, 3)
    with stub.running(ANSWER) as url, answered_by(_Detour(url)):
        for threads in (1, 4, 8):
            count = threads * seconds * round(1 / (ANSWER + OVERHEAD))
            yield _figure(threads, count, rounds)


def _figure(threads: int, count: int, rounds: int) -> Figure:
    possible = threads / (ANSWER + OVERHEAD)
    pairs = [(_ours(threads, count), _bare(threads, count)) for _ in range(rounds)]
    mine, theirs = max(mine for mine, _ in pairs), max(theirs for _, theirs in pairs)
    return Figure(
        f"pulls with {threads} threads, share of {possible:.0f}/s",
        f"{mine:.1f}/s",
        f"{theirs:.1f}/s",
        mine / possible,
        least=0.8,
    )


def _ours(threads: int, count: int) -> float:
    """Return the answers a second; a row that is put off counts as none."""
    _fill(count)
    begun, left, answers = perf_counter(), count, 0
    while left > 0:
        taken = sweep.claim_due(now=timezone.now()).authentications
        if not taken:
            raise RuntimeError("rows were not taken")
        left -= len(taken)
        answers += sum(_in_threads(threads, _poll, taken))
    return answers / (perf_counter() - begun)


def _poll(pk: int) -> bool:
    return sweep.poll(pk, now=timezone.now())


def _bare(threads: int, count: int) -> float:
    client, begun = get_client(), perf_counter()
    ids = [f"fav_{uuid.uuid4().hex[:26]}" for _ in range(count)]
    _in_threads(threads, lambda one: client.get_authentication(one).status, ids)
    return count / (perf_counter() - begun)


def _in_threads(threads: int, work: Callable[[Item], Any], items: Sequence[Item]) -> list[Any]:
    """Do the work on all items, shared out evenly."""

    def share(number: int) -> list[Any]:
        try:
            return [work(item) for item in items[number::threads]]
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return [one for done in pool.map(share, range(threads)) for one in done]


def _fill(count: int) -> None:
    """Make so many rows due, and no others."""
    FaceAuthentication.objects.all().delete()
    user, _ = get_user_model().objects.get_or_create(username="bench")
    now = timezone.now()
    provider_rate_limit.try_acquire(now=now, someone_waits=False)  # the account is there
    FaceAuthentication.objects.bulk_create(
        FaceAuthentication(
            provider_id=f"fav_{uuid.uuid4().hex[:26]}",
            user=user,
            applicant_id="aplt_" + "a" * 26,
            environment="sandbox",
            status="capture_in_progress",
            next_poll_at=now,
            last_change_at=now - timedelta(hours=1),  # asked again in minutes, not in seconds
            attempts_synced_at=now,
        )
        for _ in range(count)
    )
