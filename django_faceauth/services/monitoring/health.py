"""Health of the background work, and the rows that are stuck.

`metrics.counts` adds what a process has counted since it started.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any, Final, NamedTuple

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_faceauth.conf import conf
from django_faceauth.durations import in_words
from django_faceauth.models import (
    ErasureTask,
    FaceAuthentication,
    ProviderRateLimit,
    ReviewCase,
    WebhookEvent,
)
from django_faceauth.services.sync import provider_rate_limit
from django_faceauth.statuses import DECIDED, AuthenticationStatus

#: Work that is overdue for this long means that no sweep runs.
OVERDUE: Final = timedelta(minutes=5)

#: Machines compare faces in seconds; humans, for sites with `FACEAUTH_SLOW_REVIEW`, in hours.
STUCK_AFTER: Final = timedelta(hours=1)
STUCK_AFTER_SLOW_REVIEW: Final = timedelta(days=1)
#: What has been stuck for longer has been given up, and does not ring for ever.
GIVEN_UP_AFTER: Final = timedelta(days=8)

#: Webhook delays and calls are measured over the last hour, and at most this many rows.
DELAY_WINDOW: Final = timedelta(hours=1)
DELAY_SAMPLE: Final = 500

#: The provider's limit of reads a second, for all that an account does.
ACCOUNT_READS: Final = 100

KNOWN_STATUSES: Final = ("", *(status.value for status in AuthenticationStatus))
NOTHING: Final = timedelta(0)

Rows = QuerySet[FaceAuthentication]


class Health(NamedTuple):
    """The state of the work at one moment.

    `backlog` counts waiting events, `oldest_event` is the age of the oldest of them, `overdue`
    how late the latest poll is, `unknown_statuses` counts polled authentications in a status
    that this version does not know, `budget_used` is the share of the calls that may be made
    just now, and `pause` why the provider is not called at all, empty when it is.

    `stuck` counts authentications that were captured and have not been compared for an hour.
    `newest_event` is the age of the last webhook, None if there is none; `delay` and `delay_95`
    are the median and the 95th percentile of the time from the provider to us in the last hour,
    the difference of the clocks included, None without webhooks. `erasures_refused` counts
    erasure requests that the provider rejected, `erasure_overdue` is how late the latest one is,
    and `reviews_waiting` counts open cases of the review queue. `reads_per_check` and
    `writes_per_check` are the calls for each result of the last hour, None without one,
    `called_for` counts the authentications that they were for, and `account_used` is the share
    of `ACCOUNT_READS` that they took.
    """

    backlog: int = 0
    oldest_event: timedelta = NOTHING
    overdue: timedelta = NOTHING
    unknown_statuses: int = 0
    budget_used: float = 0.0
    pause: str = ""
    stuck: int = 0
    newest_event: timedelta | None = None
    delay: timedelta | None = None
    delay_95: timedelta | None = None
    erasures_refused: int = 0
    erasure_overdue: timedelta = NOTHING
    reviews_waiting: int = 0
    reads_per_check: float | None = None
    writes_per_check: float | None = None
    called_for: int = 0
    account_used: float = 0.0

    @property
    def is_swept(self) -> bool:
        """Whether due work is done, as far as can be seen."""
        return max(self.oldest_event, self.overdue) < OVERDUE

    @property
    def is_good(self) -> bool:
        """Whether nothing needs attention."""
        return not any(self.troubles())

    @property
    def why_paused(self) -> str:
        """Why the provider is not called, in words; empty if it is."""
        return str(dict(ProviderRateLimit.Pause.choices).get(self.pause, self.pause))

    def troubles(self) -> Iterator[str]:
        """Describe what needs attention."""
        if self.pause:
            yield _("Polling is paused: %s.") % self.why_paused
        if not self.is_swept:
            text = _("Background work is overdue by %s: run faceauth_sync --watch or Celery beat.")
            yield text % in_words(max(self.oldest_event, self.overdue))
        if count := self.erasures_refused:
            text = ngettext(
                "%d erasure request was rejected by the provider.",
                "%d erasure requests were rejected by the provider.",
                count,
            )
            yield text % count
        if self.erasure_overdue >= OVERDUE:
            yield _("An erasure is overdue by %s.") % in_words(self.erasure_overdue)


def report(*, now: datetime) -> Health:
    """Measure the waiting rows."""
    # Counts and minima in one query each, over the index of what is due alone: ordered by
    # age, a database may prefer to read through all that was ever done.
    events = WebhookEvent.objects.filter(due_at__isnull=False).aggregate(
        backlog=Count("pk"), oldest=Min("received_at")
    )
    polled = _here(FaceAuthentication.objects.filter(next_poll_at__isnull=False)).aggregate(
        due=Min("next_poll_at"), unknown=Count("pk", filter=~Q(status__in=KNOWN_STATUSES))
    )
    is_refused = Q(state=ErasureTask.State.REFUSED)
    erasures = ErasureTask.objects.filter(environment=conf.ENVIRONMENT).aggregate(
        due=Min("due_at"), refused=Count("pk", filter=is_refused)
    )
    arrivals = WebhookEvent.objects.order_by("-received_at")
    newest = list(arrivals.values_list("received_at", "created_on")[:DELAY_SAMPLE])
    delays = webhook_delay(pair for pair in newest if pair[0] > now - DELAY_WINDOW)
    return Health(
        backlog=events["backlog"],
        oldest_event=_since(events["oldest"], now),
        overdue=_since(polled["due"], now),
        unknown_statuses=polled["unknown"],
        budget_used=provider_rate_limit.used(now=now),
        pause=provider_rate_limit.pause(now=now),
        stuck=stuck_comparisons(FaceAuthentication.objects.all(), now=now).count(),
        newest_event=_since(newest[0][0], now) if newest else None,
        delay=delays.median if delays else None,
        delay_95=delays.p95 if delays else None,
        erasures_refused=erasures["refused"],
        erasure_overdue=_since(erasures["due"], now),
        reviews_waiting=ReviewCase.objects.filter(settled_at=None).count(),
        **_calls(now),
    )


def _calls(now: datetime) -> dict[str, Any]:
    """Count the calls for the newest authentications, from their rows alone."""
    counted = called_for(since=now - DELAY_WINDOW).annotate(bought=Count("attempts"))
    rows = list(counted.values_list("status", "created_at", "poll_count", "bought"))
    completed = sum(row[0] in DECIDED for row in rows)
    if not completed:
        return {}
    # An attempt is created by one call, and its end is asked for by one beside the polls.
    reads = sum(polls + bought for *_row, polls, bought in rows)
    return {
        "reads_per_check": reads / completed,
        "writes_per_check": (len(rows) + sum(row[-1] for row in rows)) / completed,
        "called_for": len(rows),
        "account_used": reads / max((now - rows[-1][1]).total_seconds(), 1.0) / ACCOUNT_READS,
    }


def called_for(*, since: datetime) -> Rows:
    """Return the newest authentications, of which the calls are counted."""
    recent = _here(FaceAuthentication.objects.filter(created_at__gt=since))
    return recent.order_by("-created_at")[:DELAY_SAMPLE]


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, NOTHING) if moment else NOTHING


# -- stuck rows: one definition for health, statistics, dashboard and filters


def stuck_events(rows: QuerySet[WebhookEvent], *, now: datetime) -> QuerySet[WebhookEvent]:
    """Return the overdue events."""
    return rows.filter(due_at__lt=now - OVERDUE)


def stuck_polls(rows: Rows, *, now: datetime) -> Rows:
    """Return the authentications whose poll is overdue."""
    return _here(rows).filter(next_poll_at__lt=now - OVERDUE)


def stuck_comparisons(rows: Rows, *, now: datetime) -> Rows:
    """Return the authentications that were captured and have been compared for too long."""
    shortest = STUCK_AFTER_SLOW_REVIEW if conf.SLOW_REVIEW else STUCK_AFTER
    under_way = _here(rows).filter(status=AuthenticationStatus.CHECKS_IN_PROGRESS, erased_at=None)
    # The moment of creation is not needed, only indexed.
    young = under_way.filter(created_at__gt=now - GIVEN_UP_AFTER, created_at__lte=now - shortest)
    return young.filter(last_change_at__lte=now - shortest)


def in_unknown_status(rows: Rows, *, now: datetime) -> Rows:  # noqa: ARG001 - as the others
    """Return the polled authentications in a status that this version does not know."""
    return _here(rows).filter(~Q(status__in=KNOWN_STATUSES), next_poll_at__isnull=False)


def _here(rows: Rows) -> Rows:
    # What belongs to the other environment of the provider is not swept either.
    return rows.filter(environment=conf.ENVIRONMENT)


# -- percentiles


class Spread(NamedTuple):
    """Median and 95th percentile of `size` durations."""

    median: timedelta
    p95: timedelta
    size: int


def spread(durations: Iterable[timedelta]) -> Spread | None:
    """Return the percentiles, or None without durations."""
    seconds = [duration.total_seconds() for duration in durations]
    if not seconds:
        return None
    # Before Python 3.13 one number alone has no quantiles.
    twentieths = quantiles(seconds if len(seconds) > 1 else seconds * 2, n=20, method="inclusive")
    median, p95 = timedelta(seconds=twentieths[9]), timedelta(seconds=twentieths[18])
    return Spread(median, p95, len(seconds))


def webhook_delay(arrivals: Iterable[tuple[datetime, datetime | None]]) -> Spread | None:
    """Return the delay of pairs of `received_at` and `created_on`."""
    # A provider whose clock is ahead did not send an event before it happened.
    return spread(max(at - created_on, NOTHING) for at, created_on in arrivals if created_on)
