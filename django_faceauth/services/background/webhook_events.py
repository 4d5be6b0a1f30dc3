"""Store webhook events once, process them and retry failures.

The row is the truth. What is sent on (a task, a call after the response) is only a hint: the
sweep processes every row that is still due.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import F, QuerySet

from django_faceauth import clocks
from django_faceauth.conf import OFFER, conf
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    NotFound,
    ProviderError,
)
from django_faceauth.identifiers import Prefix
from django_faceauth.models import (
    FaceAuthentication,
    IdentityVerification,
    WebhookEvent,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.resource import Resource
from django_faceauth.provider.webhook_payloads import ANONYMIZED_TYPES, EARLY_TYPES, WebhookPayload
from django_faceauth.services import unexpected_errors
from django_faceauth.services.flow import finish
from django_faceauth.services.privacy import erasure
from django_faceauth.services.sync import polling_schedule, provider_rate_limit, reconciliation
from django_faceauth.statuses import AT_REST, DECIDED

logger = logging.getLogger(__name__)

State = WebhookEvent.State

#: When to try again; None when there is nothing more to do.
DueAt = datetime | None

#: How long an event of an unknown authentication is kept: our own commit may be on its way.
UNKNOWN_FOR: Final = timedelta(minutes=15)

#: Pauses double from the first to the longest; twenty of them are most of a day.
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
MOST_TRIES: Final = 20

#: An answer that was asked for so much later than an event came covers it. Not the difference
#: that clocks may have, except for an audit, which no poll finds soon: each event of a burst
#: would cost a call.
LATER: Final = timedelta(seconds=1)


def store(payload: WebhookPayload, *, size: int, now: datetime) -> WebhookEvent | None:
    """Store an event; return its row, or None when it is stored already.

    Raises a `django.db.Error` when it could not be stored.
    """
    is_ours = payload.is_ours
    if payload.is_of_identity:  # the site may use identity verifications for something else
        known = IdentityVerification.objects.filter(provider_id=payload.provider_id)
        is_ours = conf.ENROLMENT == OFFER or known.exists()
    return _insert(
        WebhookEvent(
            event_id=payload.id,
            type=payload.type,
            provider_id=payload.provider_id if is_ours else "",
            applicant_id=payload.applicant_id if is_ours else "",
            created_on=payload.created_on,
            received_at=now,
            size=size,
            state=State.STORED if is_ours else State.IGNORED,
            due_at=now + polling_schedule.LEASE if is_ours else None,
        )
    )


def quarantine(body: bytes, *, reason: str, now: datetime) -> None:
    """Record a genuine but unusable delivery: its size and digest, not its content.

    Raises a `django.db.Error`.
    """
    _insert(
        WebhookEvent(
            event_id=f"sha256:{hashlib.sha256(body).hexdigest()}",
            received_at=now,
            size=len(body),
            state=State.FAILED,
            error=reason,
        )
    )


def process(event_id: int, *, now: datetime) -> DueAt:
    """Act on the event with that primary key.

    Safe to run twice, also at once: the second run finds nothing left to do.
    """
    event = WebhookEvent.objects.filter(pk=event_id, state=State.STORED).first()
    if event is None:
        return None
    try:
        return _act(event, now)
    except AccessDenied:
        # No fault of the event: it waits until an operator has repaired the credentials.
        return _put_off(event, now + provider_rate_limit.NO_ACCESS_PAUSE, error="access_denied")
    except (ProviderError, ConfigurationError) as error:
        logger.warning("event not processed: %s event=%s", error, event)
        cause = unexpected_errors.cause_of(error)
    except unexpected_errors.AWAY:
        raise
    except Exception as error:
        unexpected_errors.note(error, f"event={event}")
        cause = unexpected_errors.cause_of(error)
    if event.tries + 1 >= MOST_TRIES:
        logger.error("event given up: %s event=%s", cause, event)
        return _end(event, State.FAILED, error=cause)
    pause = polling_schedule.jittered(min(FIRST_PAUSE * 2**event.tries, LONGEST_PAUSE))
    return _put_off(event, now + pause, tries=event.tries + 1, error=cause)


def reopen(event: WebhookEvent, *, now: datetime) -> None:
    """Make a finished event wait again, as if it had just come."""
    finished = WebhookEvent.objects.filter(pk=event.pk).exclude(state=State.STORED)
    finished.update(state=State.STORED, due_at=now, tries=0, error="")


def _insert(event: WebhookEvent) -> WebhookEvent | None:
    """Insert a row in one statement that is one transaction; None if its event id is there."""
    connection = database.connection()
    features = connection.features
    if not (
        features.supports_update_conflicts_with_target and features.can_return_columns_from_insert
    ):
        # IGNORE, which MariaDB has instead, would swallow every other error as well.
        try:
            with database.atomic() if connection.in_atomic_block else nullcontext():
                event.save(force_insert=True)
        except IntegrityError:
            return None
        return event
    # By hand: `save()` takes a redelivery for an error, and `bulk_create()` does not tell
    # whether the row is new. Each costs at least a tenth more, see the benchmarks.
    meta, quoted = WebhookEvent._meta, connection.ops.quote_name
    fields = [field for field in meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    placeholders = ", ".join(["%s"] * len(fields))
    values = [field.get_db_prep_save(getattr(event, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES ({placeholders}) "  # noqa: S608 - our own names
            f"ON CONFLICT ({quoted('event_id')}) DO NOTHING RETURNING {quoted('id')}",
            values,
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    event.pk = rows[0][0]
    return event


def _act(event: WebhookEvent, now: datetime) -> DueAt:
    is_identity = event.provider_id.startswith(Prefix.IDENTITY_VERIFICATION)
    model = IdentityVerification if is_identity else FaceAuthentication
    row = model._base_manager.filter(provider_id=event.provider_id).first()
    # Compared once more here: some databases take "fav_A" for "fav_a".
    if row is None or row.provider_id != event.provider_id:
        row = reconciliation.adopt(event, model, now=now)
    if row is None:
        if erasure.is_asked_for(event.provider_id) or erasure.queue_lost_creation(
            event.provider_id, event.applicant_id, now=now
        ):
            return _end(event, State.PROCESSED, applicant_id="")  # the account is gone
        waited, last_try = now - event.received_at, event.received_at + UNKNOWN_FOR
        if now >= last_try:
            return _end(event, State.IGNORED)
        return _put_off(event, min(now + max(waited / 2, FIRST_PAUSE), last_try))
    if row.is_scrubbed:
        _stored(event).update(applicant_id="")
    if row.environment != conf.ENVIRONMENT:
        return _end(event, State.IGNORED)
    if _is_covered(event, row, now):
        if event.type in EARLY_TYPES and isinstance(row, FaceAuthentication):
            finish.expect_news(row, event)
        return _end(event, State.PROCESSED)
    try:
        pulled = finish.refresh(row, source=StatusChange.Source.WEBHOOK, now=now)
    except NotFound:
        return _end(event, State.PROCESSED)  # the row knows
    if pulled is None:  # another process asks, or calls are paused
        paused_until = provider_rate_limit.paused_until(now=now)
        return _put_off(event, paused_until or now + polling_schedule.PULL_INTERVAL)
    if event.type in ANONYMIZED_TYPES and not pulled.snapshot.has_face:
        erasure.confirm(event.provider_id, now=now)
    return _end(event, State.PROCESSED)


def _is_covered(event: WebhookEvent, row: Resource, now: datetime) -> bool:
    """Return whether an answer to the event could change nothing that we have acted on."""
    if row.synced_at is None:
        return False
    if isinstance(row, FaceAuthentication) and finish.is_unsettled(row):
        return False
    if event.type in EARLY_TYPES:
        return True
    if event.type in ANONYMIZED_TYPES:
        return row.erased_at is not None
    is_audit = event.type == "face_authentication_audit_completed"
    later = clocks.ALLOWED_SKEW if is_audit else LATER
    if row.synced_at >= event.received_at + later:
        return True
    created_on = clocks.given(event.created_on, now=now)
    if created_on is None:
        return False
    modified_on = clocks.given(row.modified_on, now=now)
    if modified_on is not None and created_on < modified_on:
        return True
    # While an authentication is moving, two of its states may bear the same time.
    if created_on == modified_on and row.status in AT_REST:
        return True
    # A result is told a little later than it was found; whatever changes it is another event.
    if event.type == "face_authentication_checks_completed" and row.status in DECIDED:
        return modified_on is not None and created_on < modified_on + LATER
    return created_on + clocks.ALLOWED_SKEW <= row.synced_at


def _put_off(event: WebhookEvent, due_at: datetime, **values: Any) -> DueAt:
    _stored(event).update(due_at=due_at, **values)
    return due_at


def _end(event: WebhookEvent, state: WebhookEvent.State, **values: Any) -> DueAt:
    _stored(event).update(state=state, due_at=None, tries=F("tries") + 1, **values)
    return None


def _stored(event: WebhookEvent) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(pk=event.pk, state=State.STORED)
