"""How the work is going: what operators and monitoring look at (D-13).

`metrics.counts` adds what a process has counted since it started.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.services import budget
from django_faceauth.statuses import AuthenticationStatus

#: Work that is overdue for this long means that nobody sweeps.
OVERDUE: Final = timedelta(minutes=5)

KNOWN_STATUSES: Final = ("", *(status.value for status in AuthenticationStatus))


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the work at one moment.

    `backlog` counts events that wait, `oldest_event` tells how long the oldest does, `overdue`
    how late the latest poll is, `unknown_statuses` counts polled authentications in a status
    that this version does not know, `budget_used` is the share of the calls that may be made
    just now, and `pause` why the provider is not asked at all, empty when it is.
    """

    backlog: int
    oldest_event: timedelta
    overdue: timedelta
    unknown_statuses: int
    budget_used: float
    pause: str

    @property
    def is_good(self) -> bool:
        """Whether nobody needs to look."""
        return not self.pause and max(self.oldest_event, self.overdue) < OVERDUE


def report(*, now: datetime) -> Health:
    """Look at the rows that are waiting."""
    waiting = WebhookEvent.objects.filter(due_at__isnull=False)
    polled = FaceAuthentication.objects.filter(next_poll_at__isnull=False)
    received_at = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    due_at = polled.order_by("next_poll_at").values_list("next_poll_at", flat=True).first()
    return Health(
        backlog=waiting.count(),
        oldest_event=_since(received_at, now),
        overdue=_since(due_at, now),
        unknown_statuses=polled.exclude(status__in=KNOWN_STATUSES).count(),
        budget_used=budget.used(now=now),
        pause=budget.pause(now=now),
    )


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, timedelta(0)) if moment else timedelta(0)
