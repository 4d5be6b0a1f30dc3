"""How the work is going: what operators and monitoring look at (D-13).

`metrics.counts` adds what a process has counted since it started.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.durations import in_words
from django_faceauth.models import (
    ErasureTask,
    FaceAuthentication,
    ProviderRateLimit,
    ReviewCase,
    WebhookEvent,
)
from django_faceauth.services.monitoring import stuck
from django_faceauth.services.sync import provider_rate_limit

#: Delays are those of the webhooks of this last while, at most of so many.
DELAYS_OVER: Final = timedelta(hours=1)
DELAYS_OF: Final = 500

NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the work at one moment.

    `backlog` counts events that wait, `oldest_event` tells how long the oldest does, `overdue`
    how late the latest poll is, `unknown_statuses` counts polled authentications in a status
    that this version does not know, `budget_used` is the share of the calls that may be made
    just now, and `pause` why the provider is not asked at all, empty when it is.

    `stuck` counts faces that were shown and have not been compared for an hour. `newest_event`
    tells how long ago the last webhook came, None if none has; `delay` how long those of the
    last hour took from the provider to us, half of them, and `delay_95` nearly all: None if
    none came, and with the difference of the clocks in it. `erasures_refused` counts what the
    provider does not want to forget, `erasure_overdue` tells how late the latest such call is,
    and `reviews_waiting` counts cases of the review queue.
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

    @property
    def is_swept(self) -> bool:
        """Whether somebody takes up what is due, as far as can be seen."""
        return max(self.oldest_event, self.overdue) < stuck.OVERDUE

    @property
    def is_good(self) -> bool:
        """Whether nobody needs to look."""
        return not any(self.troubles())

    @property
    def why_paused(self) -> str:
        """Why the provider is not asked, in words; empty if it is."""
        return str(dict(ProviderRateLimit.Pause.choices).get(self.pause, self.pause))

    def troubles(self) -> Iterator[str]:
        """Say in plain words what somebody needs to look at."""
        if self.pause:
            yield _("The provider is not asked: %s.") % self.why_paused
        if not self.is_swept:
            yield _("Work waits, the oldest for %s: nobody sweeps.") % in_words(
                max(self.oldest_event, self.overdue)
            )
        if self.erasures_refused:
            yield _("The provider refused to forget: %d.") % self.erasures_refused
        if self.erasure_overdue >= stuck.OVERDUE:
            yield _("Something was to be forgotten %s ago.") % in_words(self.erasure_overdue)


def report(*, now: datetime) -> Health:
    """Look at the rows that are waiting."""
    # Counts and minima in one query each, over the index of what is due alone: ordered by
    # age, a database may prefer to read through all that was ever done.
    events = WebhookEvent.objects.filter(due_at__isnull=False).aggregate(
        backlog=Count("pk"), oldest=Min("received_at")
    )
    here = FaceAuthentication.objects.filter(environment=conf.ENVIRONMENT)
    polled = here.filter(next_poll_at__isnull=False).aggregate(
        due=Min("next_poll_at"), unknown=Count("pk", filter=~Q(status__in=stuck.KNOWN_STATUSES))
    )
    is_refused = Q(state=ErasureTask.State.REFUSED)
    tasks = ErasureTask.objects.filter(environment=conf.ENVIRONMENT)
    erasures = tasks.aggregate(due=Min("due_at"), refused=Count("pk", filter=is_refused))
    newest = _newest_events()
    delays = _delays(newest, now)
    return Health(
        backlog=events["backlog"],
        oldest_event=_since(events["oldest"], now),
        overdue=_since(polled["due"], now),
        unknown_statuses=polled["unknown"],
        budget_used=provider_rate_limit.used(now=now),
        pause=provider_rate_limit.pause(now=now),
        stuck=stuck.compared(FaceAuthentication.objects.all(), now=now).count(),
        newest_event=_since(newest[0][0], now) if newest else None,
        delay=_share_of(delays, 50),
        delay_95=_share_of(delays, 95),
        erasures_refused=erasures["refused"],
        erasure_overdue=_since(erasures["due"], now),
        reviews_waiting=ReviewCase.objects.filter(settled_at=None).count(),
    )


def _newest_events() -> Sequence[tuple[datetime, datetime | None]]:
    moments = WebhookEvent.objects.values_list("received_at", "created_on")
    return list(moments.order_by("-received_at")[:DELAYS_OF])


def _delays(newest: Sequence[tuple[datetime, datetime | None]], now: datetime) -> list[timedelta]:
    return sorted(
        max(received_at - created_on, NOTHING)
        for received_at, created_on in newest
        if created_on is not None and received_at > now - DELAYS_OVER
    )


def _share_of(delays: Sequence[timedelta], percent: int) -> timedelta | None:
    """Return the time in which so many in a hundred came: one that did, not between two."""
    return delays[-(-len(delays) * percent // 100) - 1] if delays else None


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, NOTHING) if moment else NOTHING
