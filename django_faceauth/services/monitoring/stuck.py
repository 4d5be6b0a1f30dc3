"""What should have gone on by now, and has not: one definition for all who look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.statuses import AuthenticationStatus

#: Work that is overdue for this long means that no sweep runs.
OVERDUE: Final = timedelta(minutes=5)

#: Machines compare faces in seconds; people, for sites with `FACEAUTH_SLOW_REVIEW`, in hours.
STUCK_AFTER: Final = timedelta(hours=1)
STUCK_AFTER_SLOW_REVIEW: Final = timedelta(days=1)
#: What has been stuck for longer has been given up, and does not ring for ever.
GIVEN_UP_AFTER: Final = timedelta(days=8)

KNOWN_STATUSES: Final = ("", *(status.value for status in AuthenticationStatus))

Rows = QuerySet[FaceAuthentication]


def events(rows: QuerySet[WebhookEvent], *, now: datetime) -> QuerySet[WebhookEvent]:
    """Return the events that are overdue."""
    return rows.filter(due_at__lt=now - OVERDUE)


def polls(rows: Rows, *, now: datetime) -> Rows:
    """Return those about which the provider should have been asked."""
    return _here(rows).filter(next_poll_at__lt=now - OVERDUE)


def compared(rows: Rows, *, now: datetime) -> Rows:
    """Return those whose face was shown, and has been compared for too long."""
    shortest = STUCK_AFTER_SLOW_REVIEW if conf.SLOW_REVIEW else STUCK_AFTER
    under_way = _here(rows).filter(status=AuthenticationStatus.CHECKS_IN_PROGRESS, erased_at=None)
    # The moment of creation is not needed, only indexed.
    young = under_way.filter(created_at__gt=now - GIVEN_UP_AFTER, created_at__lte=now - shortest)
    return young.filter(last_change_at__lte=now - shortest)


def unknown(rows: Rows, *, now: datetime) -> Rows:  # noqa: ARG001 - as the others
    """Return those in a status that this version does not know, while they are polled."""
    return _here(rows).filter(~Q(status__in=KNOWN_STATUSES), next_poll_at__isnull=False)


def _here(rows: Rows) -> Rows:
    # What belongs to the other environment of the provider is not swept either.
    return rows.filter(environment=conf.ENVIRONMENT)
