"""Finding owners for what is at the provider and not with us (D-07).

Between the provider's answer to "create" and our commit a process may die. What is left is
an intent without an id, or not even that; the provider's events tell the id.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError
from django.db.models import QuerySet

from django_faceauth.conf import conf
from django_faceauth.models import Applicant, FaceAuthentication, WebhookEvent, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AuthenticationSnapshot
from django_faceauth.services import unexpected_errors
from django_faceauth.services.sync import provider_rate_limit, sync

logger = logging.getLogger(__name__)

#: A start that has not ended by now died: longer than all the calls of one together.
START_TIMEOUT: Final = timedelta(seconds=120)
#: The provider has given up telling us by now, so that no event will name it any more.
INTENT_LIFETIME: Final = timedelta(hours=36)
#: Intents that are forgotten at once.
BATCH: Final = 500


def adopt(event: WebhookEvent, *, now: datetime) -> FaceAuthentication | None:
    """Return the row for the subject of an event that we do not hold, if it concerns us.

    The event only tells whom to ask about: everything else is the provider's own answer.
    Raises a `ProviderError` or a `ConfigurationError`.
    """
    if now - event.received_at < START_TIMEOUT or not _may_be_ours(event.applicant_id):
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=False):
        return None
    with provider_rate_limit.honour_retry_after(now=now):
        snapshot = get_client().get_authentication(event.provider_id)
    owner = _intent_for(snapshot, now) or _row_for(snapshot)
    if owner is None:
        return None
    try:
        with database.atomic():
            owner.save()
            row = sync.apply(owner, snapshot, source=StatusChange.Source.WEBHOOK, now=now)
    except IntegrityError:
        return None  # somebody else was quicker: the next look finds the row
    logger.warning("adopted authentication=%s from event=%s", row, event)
    return row


def forget_intents(*, now: datetime) -> int:
    """Delete intents that nothing will answer any more; return how many there were."""
    old = FaceAuthentication.objects.filter(provider_id=None, created_at__lt=now - INTENT_LIFETIME)
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    return unexpected_errors.end(old, keys, QuerySet.delete) if keys else 0


def _may_be_ours(applicant_id: str) -> bool:
    applicants = Applicant.objects.filter(applicant_id=applicant_id)
    return applicants.exists() or _intents().filter(applicant_id=applicant_id).exists()


def _intent_for(snapshot: AuthenticationSnapshot, now: datetime) -> FaceAuthentication | None:
    asked = _intents().filter(
        applicant_id=snapshot.applicant_id,
        user_journey_id=snapshot.user_journey_id,
        created_at__lte=now - START_TIMEOUT,
    )
    return asked.order_by("created_at").first()


def _intents() -> QuerySet[FaceAuthentication]:
    return FaceAuthentication.objects.filter(provider_id=None, environment=conf.ENVIRONMENT)


def _row_for(snapshot: AuthenticationSnapshot) -> FaceAuthentication | None:
    applicant = Applicant.objects.filter(applicant_id=snapshot.applicant_id).first()
    if applicant is None:
        return None
    return FaceAuthentication(
        user_id=applicant.user_id,
        applicant_id=applicant.applicant_id,
        user_journey_id=snapshot.user_journey_id,
        environment=conf.ENVIRONMENT,
    )
