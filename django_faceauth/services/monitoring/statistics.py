"""Statistics of the last days, for the dashboard.

A constant number of statements, each bounded by the window or by a sample of the newest rows.
Days and hours are those of UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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

    `starts` are the beginnings of its steps, which last a day or an hour. `outcomes` counts how
    often a status was reached in each step, and `reasons` how often a response code was given;
    the code None stands for all fraud codes.
    """

    starts: tuple[datetime, ...]
    outcomes: Mapping[str, tuple[int, ...]]
    reasons: tuple[tuple[int | None, tuple[int, ...]], ...]
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

    changes = StatusChange.objects.filter(status__in=OUTCOMES, at__gte=starts[0])
    reached = _counts(changes, "at", "status", starts, step)

    rows = FaceAuthentication.objects.filter(created_at__gte=starts[0], code__isnull=False)
    by_code: defaultdict[int | None, list[Sequence[int]]] = defaultdict(list)
    for code, counts in _counts(rows, "created_at", "code", starts, step).items():
        if code != APPROVED_CODE:
            by_code[code if with_fraud or code not in FRAUD else None].append(counts)
    reasons = [(code, tuple(map(sum, zip(*each, strict=True)))) for code, each in by_code.items()]

    events = WebhookEvent.objects.filter(received_at__gte=starts[0], created_on__isnull=False)
    arrivals = events.order_by("-received_at").values_list("received_at", "created_on")[:SAMPLE]
    stuck_events = health.stuck_events(WebhookEvent.objects.order_by(), now=now)
    stuck_polls = health.stuck_polls(FaceAuthentication.objects.order_by(), now=now)
    return Statistics(
        starts=starts,
        outcomes={status.value: tuple(reached[status.value]) for status in OUTCOMES},
        reasons=tuple(sorted(reasons, key=lambda reason: (-sum(reason[1]), reason[0] or 0))),
        time_to_result=health.spread(_times_to_result(starts[0])),
        webhook_delay=health.spread(health.webhook_delays(arrivals)),
        stuck_events=stuck_events[:MOST_STUCK].count(),
        stuck_polls=stuck_polls[:MOST_STUCK].count(),
        health=health.report(now=now),
    )


def _counts(
    rows: QuerySet[Any], moment: str, name: str, starts: tuple[datetime, ...], step: timedelta
) -> defaultdict[Any, list[int]]:
    """Return for each value of a column how many rows each step has."""
    truncate = TruncHour if step == HOUR else TruncDay
    groups = rows.order_by().annotate(start=truncate(moment, tzinfo=UTC)).values("start", name)
    counts: defaultdict[Any, list[int]] = defaultdict(lambda: [0] * len(starts))
    for group in groups.annotate(number=Count("*")):
        if group["start"] in starts:  # a clock that was ahead may have left rows of tomorrow
            counts[group[name]][starts.index(group["start"])] = group["number"]
    return counts


def _times_to_result(since: datetime) -> Iterator[timedelta]:
    attempts = FaceAttempt.objects.filter(
        authentication_id=OuterRef("authentication_id"), created_at__lte=OuterRef("at")
    )
    begun = Subquery(attempts.order_by("-created_at").values("created_at")[:1])
    pairs: list[tuple[datetime, datetime | None]] = []
    for status in DECIDED:  # one by one, along the index
        # A result that an audit turned round came after another one: no user waited for it.
        changes = StatusChange.objects.filter(status=status, at__gte=since)
        first = changes.exclude(previous__in=DECIDED).order_by("-at").annotate(begun=begun)
        pairs += first.values_list("at", "begun")[:SAMPLE]
    newest = sorted(((at, start) for at, start in pairs if start is not None), reverse=True)
    return (at - start for at, start in newest[:SAMPLE])
