"""Admin pages over a million authentications against the same over a thousand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benchmarks import history
from benchmarks.measuring import Figure, milliseconds
from django_faceauth.models import FaceAuthentication
from django_faceauth.services.monitoring import statistics


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield how much longer each page takes over many rows than over few."""
    many, times = (20_000, 5) if quick else (1_000_000, 15)
    staff = User.objects.create_superuser("staff")
    client = Client()
    client.force_login(staff)
    history.write(history.FEW)
    few = _visit(client, times)
    history.clear()
    history.write(many)
    for name, (seconds, queries) in _visit(client, times).items():
        what, (few_seconds, few_queries) = f"{name}, of {many}", few[name]
        shown = milliseconds(seconds), milliseconds(few_seconds)
        yield Figure(f"{what}, against {history.FEW}", *shown, seconds / few_seconds, most=10)
        added = queries - few_queries
        yield Figure(f"{what}: queries", str(queries), str(few_queries), added, most=0)
    history.clear()
    staff.delete()


def _visit(client: Client, times: int) -> dict[str, tuple[float, int]]:
    """Return the seconds and the number of queries of each page."""
    rows = FaceAuthentication.objects.order_by("pk")
    row = rows[rows.count() // 2]  # neither new nor old
    changelist = reverse("admin:faceauth_faceauthentication_changelist")
    challenges = reverse("admin:faceauth_facechallenge_changelist")
    dashboard = reverse("admin:faceauth_dashboard")
    log = reverse("admin:faceauth_auditentry_changelist")
    since, until = timezone.now() - timedelta(days=7), timezone.now()
    figure = urlencode({"figure": statistics.figure_of("declined", since, until)})
    week = urlencode({"at__gte": since.isoformat(), "at__lt": until.isoformat()})
    pages = {
        "list": changelist,
        "filter by status": f"{changelist}?status=declined",
        "filter by code": f"{changelist}?codes=fraud",
        "search for an id": f"{changelist}?q={row.provider_id}",
        "search for a user": f"{changelist}?q={row.user.get_username()}",
        "challenges": challenges,
        "challenges: search for a user": f"{challenges}?q={row.user.get_username()}",
        "webhook events": reverse("admin:faceauth_webhookevent_changelist"),
        "timeline": reverse("admin:faceauth_faceauthentication_change", args=[row.pk]),
        "case": reverse("admin:faceauth_faceauthentication_review", args=[row.pk]),
        "dashboard, a week": f"{dashboard}?days=7",
        "dashboard, 90 days": f"{dashboard}?days=90",
        "rows of a figure": f"{changelist}?{figure}",
        "audit log": log,
        "audit log by event": f"{log}?event__exact=revoked",
        "audit log by event and date": f"{log}?event__exact=revoked&{week}",
        "audit log of a user": f"{log}?q={row.user.get_username()}",
    }
    visits = {}
    for name, url in pages.items():
        with CaptureQueriesContext(connection) as captured:
            _get(client, url)  # warms up
        queries = len(captured)  # before others reset the list
        visits[name] = median(_get(client, url) for _ in range(times)), queries
    return visits


def _get(client: Client, url: str) -> float:
    begun = perf_counter()
    response = client.get(url)
    seconds = perf_counter() - begun
    if response.status_code != 200:  # or something else would be measured
        raise RuntimeError(f"{url} answered {response.status_code}")
    return seconds
