"""What happened lately, in numbers: for the people who look after it.

A constant number of statements, each bounded by the window or by a sample of the newest rows,
so that they take as long for a site with millions of rows. Days and hours are those of UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncDay, TruncHour

from django_faceauth.models import FaceAttempt, FaceAuthentication, StatusChange, WebhookEvent
from django_faceauth.response_codes import FRAUD
from django_faceauth.services.monitoring import health, stuck
from django_faceauth.statuses import DECIDED, AuthenticationStatus

__all__ = ["Reason", "Spread", "Statistics", "Stuck", "collect"]

#: The steps that are counted, the usual one first.
OUTCOMES: Final = (
    AuthenticationStatus.APPROVED,
    AuthenticationStatus.DECLINED,
    AuthenticationStatus.RETRY_REQUIRED,
    AuthenticationStatus.REFUSED,
    AuthenticationStatus.INCONCLUSIVE,
)
APPROVED_CODE: Final = 10000

#: How many of the newest rows times are taken of.
SAMPLE: Final = 1000
#: Nobody needs to know how many more of them are stuck.
MOST_STUCK: Final = 10_000

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reason:
    """How often a code was given, in all and in each step of the window.

    `code` None stands for all fraud codes, for people who may not tell them apart (V-12).
    """

    code: int | None
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How often in all."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, of so many."""

    median: timedelta
    p95: timedelta
    size: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Rows that should have moved: `MOST_STUCK` of each are counted at most."""

    events: int
    polls: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All of it. `starts` are the beginnings of the steps, which are a day or an hour long.

    `outcomes` counts how often a status was reached in each step.
    """

    starts: tuple[datetime, ...]
    step: timedelta
    outcomes: Mapping[str, tuple[int, ...]]
    reasons: tuple[Reason, ...]
    time_to_result: Spread | None
    webhook_delay: Spread | None
    stuck: Stuck
    health: health.Health


def collect(*, days: int, now: datetime, with_fraud: bool = False) -> Statistics:
    """Count the last `days`, today included; one day is the last 24 hours, hour by hour.

    Without `with_fraud` all fraud codes are one reason (V-12).
    """
    step = HOUR if days == 1 else DAY
    starts = _starts(step, 24 if days == 1 else days, now)
    since = starts[0]
    return Statistics(
        starts=starts,
        step=step,
        outcomes=_outcomes(starts, step),
        reasons=_reasons(starts, step, with_fraud),
        time_to_result=_spread(_times_to_result(since)),
        webhook_delay=_spread(_webhook_delays(since)),
        stuck=_stuck(now),
        health=health.report(now=now),
    )


def _starts(step: timedelta, count: int, now: datetime) -> tuple[datetime, ...]:
    moment = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    newest = moment if step == HOUR else moment.replace(hour=0)
    return tuple(newest - step * back for back in reversed(range(count)))


def _outcomes(starts: tuple[datetime, ...], step: timedelta) -> dict[str, tuple[int, ...]]:
    changes = StatusChange.objects.filter(status__in=OUTCOMES, at__gte=starts[0])
    counted = _counted(changes.order_by(), "at", step, "status")
    return {status.value: _each(counted, starts, status.value) for status in OUTCOMES}


def _reasons(starts: tuple[datetime, ...], step: timedelta, with_fraud: bool) -> tuple[Reason, ...]:
    rows = FaceAuthentication.objects.filter(created_at__gte=starts[0], code__isnull=False)
    counted: Counter[tuple[datetime, Any]] = Counter()
    for (at, code), number in _counted(rows, "created_at", step, "code").items():
        if code != APPROVED_CODE:
            counted[at, code if with_fraud or code not in FRAUD else None] += number
    codes = {code for _at, code in counted}
    reasons = (Reason(code, _each(counted, starts, code)) for code in codes)
    return tuple(sorted(reasons, key=lambda reason: (-reason.total, reason.code or 0)))


def _counted(
    rows: QuerySet[Any], moment: str, step: timedelta, name: str
) -> Counter[tuple[datetime, Any]]:
    start = (TruncHour if step == HOUR else TruncDay)(moment, tzinfo=UTC)
    groups = rows.annotate(start=start).values("start", name).annotate(number=Count("*"))
    return Counter({(group["start"], group[name]): group["number"] for group in groups})


def _each(
    counted: Mapping[tuple[datetime, Any], int], starts: Iterable[datetime], key: Any
) -> tuple[int, ...]:
    return tuple(counted.get((start, key), 0) for start in starts)


def _times_to_result(since: datetime) -> list[timedelta]:
    newest = sorted((pair for status in DECIDED for pair in _results(status, since)), reverse=True)
    return [at - started_at for at, started_at in newest[:SAMPLE]]


def _results(status: str, since: datetime) -> Iterable[tuple[datetime, datetime]]:
    """Yield when a result came, and when its attempt began, of the newest."""
    # A result that an audit turned round came after another one, and nobody waited for it.
    changes = StatusChange.objects.filter(status=status, at__gte=since)
    first = changes.exclude(previous__in=DECIDED)
    attempts = FaceAttempt.objects.filter(
        authentication_id=OuterRef("authentication_id"), created_at__lte=OuterRef("at")
    )
    begun = Subquery(attempts.order_by("-created_at").values("created_at")[:1])
    pairs = first.order_by("-at").annotate(begun=begun).values_list("at", "begun")[:SAMPLE]
    return ((at, started_at) for at, started_at in pairs if started_at is not None)


def _webhook_delays(since: datetime) -> list[timedelta]:
    events = WebhookEvent.objects.filter(received_at__gte=since, created_on__isnull=False)
    pairs = events.order_by("-received_at").values_list("received_at", "created_on")[:SAMPLE]
    # A provider whose clock is ahead did not send it before it happened.
    return [max(arrived - told, timedelta(0)) for arrived, told in pairs if told]


def _spread(times: list[timedelta]) -> Spread | None:
    if not times:
        return None
    times.sort()
    return Spread(_rank(times, 50), _rank(times, 95), len(times))


def _rank(times: list[timedelta], percent: int) -> timedelta:
    """Return the shortest time that so many percent did not exceed."""
    return times[-(-len(times) * percent // 100) - 1]


def _stuck(now: datetime) -> Stuck:
    return Stuck(
        events=_some(stuck.events(WebhookEvent.objects.all(), now=now)),
        polls=_some(stuck.polls(FaceAuthentication.objects.all(), now=now)),
    )


def _some(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:MOST_STUCK].count()
