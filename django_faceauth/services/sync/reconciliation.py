"""Find the owner of an authentication that only the provider knows.

A process may die between the provider's answer to "create" and our commit. Then there is a
pending creation, a row without an id, or no row at all; the provider's events name the id.
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
from django_faceauth.services import unexpected_errors
from django_faceauth.services.sync import provider_rate_limit, sync

logger = logging.getLogger(__name__)

#: A start that has not ended by now died: longer than all the calls of one together.
START_TIMEOUT: Final = timedelta(seconds=120)
#: The provider has given up its webhooks by now, so that no event will name the id any more.
CREATION_LIFETIME: Final = timedelta(hours=36)
BATCH: Final = 500


def adopt(event: WebhookEvent, *, now: datetime) -> FaceAuthentication | None:
    """Create or complete the row for the authentication of an event, if it belongs to a user.

    The event only says which one to ask about; everything else is the provider's own answer.
    Raises a `ProviderError` or a `ConfigurationError`.
    """
    pending = FaceAuthentication.objects.filter(provider_id=None, environment=conf.ENVIRONMENT)
    applicants = Applicant.objects.filter(applicant_id=event.applicant_id)
    if now - event.received_at < START_TIMEOUT or not (
        applicants.exists() or pending.filter(applicant_id=event.applicant_id).exists()
    ):
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=False):
        return None
    with provider_rate_limit.honour_retry_after(now=now):
        snapshot = get_client().get_authentication(event.provider_id)
    row = (
        pending.filter(
            applicant_id=snapshot.applicant_id,
            user_journey_id=snapshot.user_journey_id,
            created_at__lte=now - START_TIMEOUT,
        )
        .order_by("created_at")
        .first()
    )
    if row is None:
        applicant = Applicant.objects.filter(applicant_id=snapshot.applicant_id).first()
        if applicant is None:
            return None
        row = FaceAuthentication(
            user_id=applicant.user_id,
            applicant_id=applicant.applicant_id,
            user_journey_id=snapshot.user_journey_id,
            environment=conf.ENVIRONMENT,
        )
    try:
        with database.atomic():
            row.save()
            row = sync.apply(row, snapshot, source=StatusChange.Source.WEBHOOK, now=now)
    except IntegrityError:
        return None  # another process was quicker: the next try finds its row
    logger.warning("adopted authentication=%s from event=%s", row, event)
    return row


def delete_pending_creations(*, now: datetime) -> int:
    """Delete pending creations that no event can complete any more; return how many."""
    before = now - CREATION_LIFETIME
    old = FaceAuthentication.objects.filter(provider_id=None, created_at__lt=before)
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    return unexpected_errors.end(old, keys, QuerySet.delete) if keys else 0
