"""Whether the pages of the review desk are as quick for a million authentications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from time import perf_counter

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benchmarks import history
from benchmarks.figures import Figure, milliseconds, peak
from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication
from django_faceauth.services.privacy import retention

FEW = 1_000
LIST = "admin:faceauth_faceauthentication_changelist"
#: A page may take so many times as long.
MOST = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """How long a page took, and how many statements it made."""

    seconds: float
    queries: int


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield how much longer each page takes over many rows than over few."""
    many, times = (20_000, 5) if quick else (1_000_000, 15)
    boss = User.objects.create_superuser("boss of the benchmark")
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(boss)
    history.write(FEW)
    few = _all_seen(browser, times)
    history.clear()
    history.write(many)
    for name, seen in _all_seen(browser, times).items():
        yield from _figures(f"{name}, of {many}", seen, few[name])
    yield from _exported(browser)
    yield from _purged()
    history.clear()
    boss.delete()


def _exported(browser: Client) -> Iterator[Figure]:
    """Yield how quickly the most rows that one export takes leave, and what that takes."""
    memory, begun = peak(), perf_counter()
    chosen = FaceAuthentication.objects.order_by("pk")[:1].get()
    form = {"action": "export_csv", "select_across": 1, "confirmed": 1}
    response = browser.post(reverse(LIST), {**form, "_selected_action": chosen.pk})
    rows = sum(part.count(b"\n") for part in response) - 1  # the first line names the columns
    if rows < 1:
        raise RuntimeError(f"the export answered {response.status_code}")
    rate = rows / (perf_counter() - begun)
    yield Figure(f"export of {rows}, rows a second", f"{rate:.0f}")
    yield Figure(f"export of {rows}, MiB grown", f"{peak() - memory:.1f}")


def _purged() -> Iterator[Figure]:
    """Yield how quickly the oldest tenth goes, with all that hangs on it, and what that takes."""
    tenth = timedelta(seconds=0.9 * history.YEAR) - conf.RETENTION["flows"]
    memory, begun = peak(), perf_counter()
    rows = sum(retention.purge(now=timezone.now() - tenth).values())
    rate = rows / (perf_counter() - begun)
    yield Figure(f"purge of {rows}, rows a second", f"{rate:.0f}")
    yield Figure(f"purge of {rows}, MiB grown", f"{peak() - memory:.1f}")


def _figures(what: str, seen: Seen, before: Seen) -> Iterator[Figure]:
    shown = milliseconds(seen.seconds), milliseconds(before.seconds)
    ratio = seen.seconds / before.seconds
    yield Figure(f"{what}, against {FEW}", *shown, value=ratio, most=MOST)
    more = seen.queries - before.queries
    yield Figure(f"{what}: queries", str(seen.queries), str(before.queries), more, most=0)


def _all_seen(browser: Client, times: int) -> dict[str, Seen]:
    return {name: _seen(browser, find(), times) for name, find in PAGES.items()}


def _seen(browser: Client, path: str, times: int) -> Seen:
    with CaptureQueriesContext(connection) as captured:
        _get(browser, path)  # warms up
    queries = len(captured)  # before others reset the list
    return Seen(median(_get(browser, path) for _ in range(times)), queries)


def _get(browser: Client, path: str) -> float:
    begun = perf_counter()
    response = browser.get(path)
    seconds = perf_counter() - begun
    if response.status_code != 200:  # or something else would be measured
        raise RuntimeError(f"{path} answered {response.status_code}")
    return seconds


def _middle() -> FaceAuthentication:
    """Return one that is neither new nor old."""
    rows = FaceAuthentication.objects.order_by("pk")
    first, last = rows[0].pk, rows.reverse()[0].pk
    return FaceAuthentication.objects.get(pk=(first + last) // 2)


def _listed(query: str = "") -> str:
    return reverse(LIST) + query


def _dashboard(days: int) -> str:
    return f"{reverse('admin:faceauth_dashboard')}?days={days}"


PAGES: dict[str, Callable[[], str]] = {
    "list": _listed,
    "list of the second page": lambda: _listed("?p=2"),
    "filter by status": lambda: _listed("?status=declined"),
    "filter by code": lambda: _listed("?codes=fraud"),
    "search for an id": lambda: _listed(f"?q={_middle().provider_id}"),
    "search for a user": lambda: _listed(f"?q={_middle().user.get_username()}"),
    "timeline": lambda: reverse("admin:faceauth_faceauthentication_change", args=[_middle().pk]),
    "dashboard, a week": lambda: _dashboard(7),
    "dashboard, a month": lambda: _dashboard(30),
    "dashboard, 90 days": lambda: _dashboard(90),
}
