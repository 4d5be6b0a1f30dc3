"""A sweep over a million finished authentications against one over a thousand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from statistics import quantiles
from time import perf_counter
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks import history
from benchmarks.measuring import Figure, milliseconds
from django_faceauth.models import FaceAuthentication
from django_faceauth.services.background import sweep

DUE = 10


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the time of a sweep over few rows and over many."""
    many, times = (20_000, 30) if quick else (1_000_000, 200)
    history.clear()  # others leave authentications
    history.write(history.FEW, with_details=False)
    few = _quickest(times)
    history.clear()
    history.write(many, with_details=False)
    found = _quickest(times)
    what = f"sweep, {DUE} due of {many}"
    shown = milliseconds(found), milliseconds(few)
    yield Figure(f"{what}, statements in ms", *shown, value=found * 1000, most=5)
    yield Figure(f"{what}, against {history.FEW}", *shown, value=found / few, most=1.5)
    history.clear()


def _quickest(times: int) -> float:
    """Return the seconds that the database takes to claim what is due.

    Few rows and many cannot be measured in turns, so the time is that of the quickest tenth,
    which other programs of the machine disturbed least.
    """
    return quantiles((_claim() for _ in range(times)), n=10)[0]


def _claim() -> float:
    """Make the same rows due again, and claim them."""
    now = timezone.now()
    oldest = FaceAuthentication.objects.order_by("pk").values_list("pk", flat=True)[:DUE]
    due = FaceAuthentication.objects.filter(pk__in=list(oldest))
    due.update(next_poll_at=now - timedelta(seconds=1))
    seconds = 0.0

    def measured(execute: Any, *arguments: Any) -> Any:
        nonlocal seconds
        begun = perf_counter()
        result = execute(*arguments)
        seconds += perf_counter() - begun
        return result

    with connection.execute_wrapper(measured):
        claimed = sweep.claim_due(now=now).authentications
    if len(claimed) != DUE:
        raise RuntimeError("the sweep did not claim what is due")
    return seconds
