"""Find the owner of an authentication that only the provider knows.

A process may die between the provider's answer to "create" and our commit. Then there is a
pending creation, a row without an id, or no row at all; the provider's events name the id.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError
from django.db.models import QuerySet

from django_faceauth.conf import conf
from django_faceauth.models import (
    Applicant,
    FaceAuthentication,
    IdentityVerification,
    WebhookEvent,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.provider.factory import get_client
from django_faceauth.services import unexpected_errors
from django_faceauth.services.sync import provider_rate_limit, sync
from django_faceauth.services.sync.sync import Mirror

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AuthenticationSnapshot

logger = logging.getLogger(__name__)

#: A start that has not ended by now died: longer than all the calls of one together.
START_TIMEOUT: Final = timedelta(seconds=120)
#: The provider has given up its webhooks by now, so that no event will name the id any more.
CREATION_LIFETIME: Final = timedelta(hours=36)
BATCH: Final = 500


def adopt_verification(event: WebhookEvent, *, now: datetime) -> IdentityVerification | None:
    """Create or complete the row for the identity verification of an event, if it is ours.

    It is if the applicant is: we create one for each. Raises what `adopt` does.
    """
    of_applicant = IdentityVerification.objects.filter(
        applicant_id=event.applicant_id, environment=conf.ENVIRONMENT
    )
    owner = of_applicant.order_by("pk").first() if event.applicant_id else None
    if owner is None or now - event.received_at < START_TIMEOUT:
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=False):
        return None
    with provider_rate_limit.honour_retry_after(now=now):
        snapshot = get_client().get_identity_verification(event.provider_id)
    if snapshot.applicant_id != owner.applicant_id:
        return None
    # Another one of a repeated creation links no user: its link was never handed out.
    row = of_applicant.filter(provider_id=None).first() or IdentityVerification(
        user_id=owner.user_id,
        handle=secrets.token_urlsafe(24),
        session_digest=owner.session_digest,
        applicant_id=owner.applicant_id,
        user_journey_id=snapshot.user_journey_id,
        environment=conf.ENVIRONMENT,
    )
    return _save(row, snapshot, event, now)


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
    return _save(row, snapshot, event, now)


def _save(
    row: Mirror, snapshot: AuthenticationSnapshot, event: WebhookEvent, now: datetime
) -> Mirror | None:
    try:
        with database.atomic():
            row.save()
            row = sync.apply(row, snapshot, source=StatusChange.Source.WEBHOOK, now=now)
    except IntegrityError:
        return None  # another process was quicker: the next try finds its row
    logger.warning("adopted %s=%s from event=%s", row._meta.model_name, row, event)
    return row


def delete_pending_creations(*, now: datetime) -> int:
    """Delete pending creations that no event can complete any more; return how many."""
    before, deleted = now - CREATION_LIFETIME, 0
    for model in (FaceAuthentication, IdentityVerification):
        old = model._base_manager.filter(provider_id=None, created_at__lt=before)
        keys = list(old.values_list("pk", flat=True)[:BATCH])
        deleted += unexpected_errors.end(old, keys, QuerySet.delete) if keys else 0
    return deleted
