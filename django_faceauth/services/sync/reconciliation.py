"""Find the owner of an authentication that only the provider knows.

A process may die between the provider's answer to "create" and our commit. Then there is a
pending creation, a row without an id, or no row at all; the provider's events name the id.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

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
from django_faceauth.models.resource import Resource
from django_faceauth.provider.factory import get_client
from django_faceauth.services import unexpected_errors
from django_faceauth.services.sync import provider_rate_limit, sync
from django_faceauth.services.sync.polling_schedule import START_TIMEOUT

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AuthenticationSnapshot

logger = logging.getLogger(__name__)

#: The provider has given up its webhooks by now, so that no event will name the id any more.
CREATION_LIFETIME: Final = timedelta(hours=36)
BATCH: Final = 500


def adopt(event: WebhookEvent, model: type[Resource], *, now: datetime) -> Any:
    """Create or complete the row for the resource of an event; None if it is no user's.

    The event only says which one to ask about; everything else is the provider's own answer.
    Raises a `ProviderError` or a `ConfigurationError`.
    """
    here = model._base_manager.filter(environment=conf.ENVIRONMENT)
    of_applicant = here.filter(applicant_id=event.applicant_id)
    if model is FaceAuthentication:
        linked = Applicant.objects.filter(applicant_id=event.applicant_id)
        is_ours = linked.exists() or of_applicant.filter(provider_id=None).exists()
    else:  # we create an applicant for each
        is_ours = of_applicant.exists()
    if not event.applicant_id or not is_ours or now - event.received_at < START_TIMEOUT:
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=False):
        return None
    with provider_rate_limit.honour_retry_after(now=now):
        snapshot = sync.GET[model](get_client(), event.provider_id)
    row = _row_for(model, snapshot, now)
    if row is None:
        return None
    try:
        with database.atomic():
            row.save()
            row = sync.apply(row, snapshot, source=StatusChange.Source.WEBHOOK, now=now)
    except IntegrityError:
        return None  # another process was quicker: the next try finds its row
    logger.warning("adopted %s=%s from event=%s", row._meta.model_name, row, event)
    return row


def _row_for(model: type[Resource], snapshot: AuthenticationSnapshot, now: datetime) -> Any:
    """Return the pending creation that the provider's answer completes, or a new row, unsaved."""
    values = {"applicant_id": snapshot.applicant_id, "environment": conf.ENVIRONMENT}
    here = model._base_manager.filter(**values)
    pending = here.filter(provider_id=None).order_by("created_at")
    values["user_journey_id"] = snapshot.user_journey_id
    if model is FaceAuthentication:
        row = pending.filter(created_at__lte=now - START_TIMEOUT, **values).first()
        linked = Applicant.objects.filter(applicant_id=snapshot.applicant_id).first()
        if row is None and linked is not None:
            row = FaceAuthentication(user_id=linked.user_id, **values)
        return row
    owner: Any = here.order_by("pk").first()
    if owner is None or owner.applicant_id != snapshot.applicant_id:
        return None
    # Another one of a repeated creation links no user: its link was never handed out.
    return pending.first() or IdentityVerification(
        user_id=owner.user_id,
        handle=secrets.token_urlsafe(24),
        session_digest=owner.session_digest,
        **values,
    )


def delete_pending_creations(*, now: datetime) -> int:
    """Delete pending creations that no event can complete any more; return how many."""
    before, deleted = now - CREATION_LIFETIME, 0
    for model in (FaceAuthentication, IdentityVerification):
        old = model._base_manager.filter(provider_id=None, created_at__lt=before)
        keys = list(old.values_list("pk", flat=True)[:BATCH])
        deleted += unexpected_errors.end(old, keys, QuerySet.delete) if keys else 0
    return deleted
