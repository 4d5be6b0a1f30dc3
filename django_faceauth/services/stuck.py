"""What should have gone on by now, and has not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from django_faceauth.models import FaceAuthentication
from django_faceauth.statuses import AuthenticationStatus

#: The provider compares in seconds, people in minutes: after this somebody should look.
STUCK_AFTER: Final = timedelta(hours=1)
#: Statuses that end by themselves.
PASSING: Final = (AuthenticationStatus.CAPTURE_IN_PROGRESS, AuthenticationStatus.CHECKS_IN_PROGRESS)


def among(rows: QuerySet[FaceAuthentication], *, now: datetime) -> QuerySet[FaceAuthentication]:
    """Return those that have been under way for too long."""
    return rows.filter(status__in=PASSING, quiet_since__lt=now - STUCK_AFTER)
