"""Statistics of the last days, for the dashboard.

A constant number of statements, each bounded by the window or by a sample of the newest rows.
Days and hours are those of UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncDay, TruncHour

from django_faceauth.models import FaceAttempt, FaceAuthentication, StatusChange, WebhookEvent
from django_faceauth.response_codes import FRAUD
from django_faceauth.services.monitoring import health
from django_faceauth.services.monitoring.health import Spread
from django_faceauth.statuses import DECIDED, AuthenticationStatus

#: The outcomes that are counted, the most usual one first.
OUTCOMES: Final = (
    AuthenticationStatus.APPROVED,
    AuthenticationStatus.DECLINED,
    AuthenticationStatus.RETRY_REQUIRED,
    AuthenticationStatus.REFUSED,
    AuthenticationStatus.INCONCLUSIVE,
)
APPROVED_CODE: Final = 10000

#: Times are taken of this many of the newest rows, and stuck rows are counted no further.
SAMPLE: Final = 1000
MOST_STUCK: Final = 10_000

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)


class Statistics(NamedTuple):
    """Outcomes, reasons, times and stuck rows of a window.

    `starts` are the beginnings of its steps, which last a day or an hour, until `end`.
    `outcomes` counts the authentications that reached a status in each step, `totals` those of
    the whole window, and `reasons` those with a response code; the code None stands for all
    fraud codes.
    """

    starts: tuple[datetime, ...]
    end: datetime
    outcomes: Mapping[str, tuple[int, ...]]
    totals: Mapping[str, int]
    reasons: tuple[tuple[int | None, int], ...]
    time_to_result: Spread | None
    webhook_delay: Spread | None
    stuck_events: int
    stuck_polls: int
    health: health.Health


def collect(*, days: int, now: datetime, with_fraud: bool = False) -> Statistics:
    """Count the last `days`, today included; one day is the last 24 hours, hour by hour.

    Without `with_fraud` all fraud codes are one reason.
    """
    step, number = (HOUR, 24) if days == 1 else (DAY, days)
    newest = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if step == DAY:
        newest = newest.replace(hour=0)
    starts = tuple(newest - step * back for back in reversed(range(number)))
    end = newest + step  # a clock that was ahead may have left rows of tomorrow

    changes = StatusChange.objects.filter(status__in=OUTCOMES, at__gte=starts[0], at__lt=end)
    authentications = Count("authentication", distinct=True)
    totals = dict(changes.order_by().values_list("status").annotate(authentications))
    truncated = (TruncHour if step == HOUR else TruncDay)("at", tzinfo=UTC)
    by_step = changes.order_by().annotate(start=truncated).values_list("status", "start")
    reached = {status.value: [0] * number for status in OUTCOMES}
    for status, start, count in by_step.annotate(authentications):
        reached[status][starts.index(start)] = count

    coded = FaceAuthentication.objects.filter(created_at__gte=starts[0], created_at__lt=end)
    coded = coded.exclude(code=None).exclude(code=APPROVED_CODE).order_by()
    reasons: Counter[int | None] = Counter()
    for code, count in coded.values_list("code").annotate(Count("pk")):
        reasons[code if with_fraud or code not in FRAUD else None] += count

    arrivals = _delayed(starts[0]).values_list("received_at", "created_on")[:SAMPLE]
    stuck_events = health.stuck_events(WebhookEvent.objects.order_by(), now=now)
    stuck_polls = health.stuck_polls(FaceAuthentication.objects.order_by(), now=now)
    return Statistics(
        starts=starts,
        end=end,
        outcomes={status: tuple(counts) for status, counts in reached.items()},
        totals=totals,
        reasons=tuple(sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0] or 0))),
        time_to_result=health.spread(at - begun for at, begun, _pk in _timed(starts[0])),
        webhook_delay=health.webhook_delay(arrivals),
        stuck_events=stuck_events[:MOST_STUCK].count(),
        stuck_polls=stuck_polls[:MOST_STUCK].count(),
        health=health.report(now=now),
    )


def _timed(since: datetime) -> list[tuple[datetime, datetime, int]]:
    """Return result, start and primary key of the newest authentications with a result."""
    attempts = FaceAttempt.objects.filter(
        authentication_id=OuterRef("authentication_id"), created_at__lte=OuterRef("at")
    )
    begun = Subquery(attempts.order_by("-created_at").values("created_at")[:1])
    found: list[tuple[datetime, datetime | None, int]] = []
    for status in DECIDED:  # one by one, along the index
        # A result that an audit turned round came after another one: no user waited for it.
        changes = StatusChange.objects.filter(status=status, at__gte=since)
        first = changes.exclude(previous__in=DECIDED).order_by("-at").annotate(begun=begun)
        found += first.values_list("at", "begun", "authentication_id")[:SAMPLE]
    timed = sorted((at, start, pk) for at, start, pk in found if start is not None)
    newest = {row[-1]: row for row in timed}  # each authentication once
    return sorted(newest.values(), reverse=True)[:SAMPLE]


def _delayed(since: datetime) -> QuerySet[WebhookEvent]:
    """Return the events whose delay is known, newest first."""
    events = WebhookEvent.objects.filter(received_at__gte=since, created_on__isnull=False)
    return events.order_by("-received_at")


def figure_of(name: object, since: datetime, until: datetime) -> str:
    """Return what `rows_of` takes for an outcome, a code, "fraud" or one of `SAMPLES`."""
    return f"{name} {since.isoformat()} {until.isoformat()}"


def rows_of(rows: QuerySet[Any], figure: str, *, with_fraud: bool) -> QuerySet[Any]:
    """Return those rows that a figure counts or is measured on.

    Raises `ValueError` for an unknown figure, and `OverflowError` for impossible dates.
    """
    name, *moments = figure.split(" ")
    since, until = (datetime.fromisoformat(moment).astimezone(UTC) for moment in moments)
    if (rows.model is WebhookEvent) != (name == "delayed"):
        raise ValueError("a figure of another model")
    if name in SAMPLES:
        return rows.filter(pk__in=SAMPLES[name](since))
    if name in OUTCOMES:
        changes = StatusChange.objects.filter(status=name, at__gte=since, at__lt=until)
        return rows.filter(pk__in=changes.order_by().values("authentication"))
    codes = FRAUD if name == "fraud" else range(int(name), int(name) + 1)
    if name != "fraud" and codes.start in FRAUD and not with_fraud:
        raise ValueError("a fraud code")
    coded = rows.filter(code__gte=codes.start, code__lt=codes.stop)
    return coded.filter(created_at__gte=since, created_at__lt=until)


#: The primary keys of the rows that figures are measured on.
SAMPLES: Final[Mapping[str, Callable[[datetime], list[int]]]] = {
    "timed": lambda since: [pk for _at, _begun, pk in _timed(since)],
    "delayed": lambda since: [event.pk for event in _delayed(since).only("pk")[:SAMPLE]],
    "called_for": lambda since: [row.pk for row in health.called_for(since=since).only("pk")],
}
