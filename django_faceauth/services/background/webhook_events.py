"""What became of a delivery that proved genuine: kept once, acted upon, tried again.

The row is the truth, and whatever is sent on (a task, a call after the answer) is only a
hint: the sweep takes care of every row that is still due (D-01).
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
from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    NotFound,
    ProviderError,
)
from django_faceauth.models import FaceAuthentication, WebhookEvent, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.provider.webhook_payloads import ANONYMIZED, WebhookPayload
from django_faceauth.services import unexpected_errors
from django_faceauth.services.flow import finish
from django_faceauth.services.privacy import erasure
from django_faceauth.services.sync import polling_schedule, provider_rate_limit, reconciliation
from django_faceauth.statuses import AT_REST

logger = logging.getLogger(__name__)

State = WebhookEvent.State

#: When to try again; None when there is nothing more to do.
DueAt = datetime | None

#: News of something that we do not hold is kept for so long: our own commit may be on its way.
UNKNOWN_FOR: Final = timedelta(minutes=15)

#: Pauses double from the first to the longest; twenty of them are most of a day.
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
MOST_TRIES: Final = 20

#: An answer that was asked for so much later than an event came covers it. Not the difference
#: that clocks may have: each event of a burst would cost a call.
LATER: Final = timedelta(seconds=1)

_FIELDS: Final = [
    field for field in WebhookEvent._meta.local_concrete_fields if not field.primary_key
]


def store(notice: WebhookPayload, *, size: int, now: datetime) -> WebhookEvent | None:
    """Keep a delivery; return its row, or None when that event is kept already (W-06).

    Raises a `django.db.Error` when it could not be kept.
    """
    is_ours = notice.is_ours
    return _insert(
        WebhookEvent(
            event_id=notice.id,
            type=notice.type,
            provider_id=notice.authentication_id,
            applicant_id=notice.applicant_id,
            created_on=notice.created_on,
            received_at=now,
            size=size,
            state=State.STORED if is_ours else State.IGNORED,
            due_at=now + polling_schedule.LEASE if is_ours else None,
        )
    )


def quarantine(body: bytes, *, reason: str, now: datetime) -> None:
    """Remember that a genuine delivery was of no use: its size and digest, not its content.

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
    """Act upon the event with that primary key.

    Safe to run twice, also at once: whoever comes second finds nothing left to do (D-02).
    """
    event = WebhookEvent.objects.filter(pk=event_id, state=State.STORED).first()
    if event is None:
        return None
    try:
        return _act(event, now)
    except AccessDenied:
        # Nothing that this event could do about: it waits until somebody has.
        return _put_off(event, now + provider_rate_limit.NO_ACCESS_PAUSE, error="access_denied")
    except (ProviderError, ConfigurationError) as error:
        logger.warning("event not processed: %s event=%s", error, event)
        return _try_again(event, error, now)
    except unexpected_errors.AWAY:
        raise
    except Exception as error:
        unexpected_errors.note(error, f"event={event}")
        return _try_again(event, error, now)


def reopen(event: WebhookEvent, *, now: datetime) -> None:
    """Make an event that was done with one that waits, as if it had just come."""
    done = WebhookEvent.objects.filter(pk=event.pk).exclude(state=State.STORED)
    done.update(state=State.STORED, due_at=now, tries=0, error="")


def _insert(event: WebhookEvent) -> WebhookEvent | None:
    """Keep a row, in one statement that is one transaction; None if its event id is there."""
    features = database.connection().features
    has_on_conflict = features.supports_update_conflicts_with_target
    if has_on_conflict and features.can_return_columns_from_insert:
        return _insert_unless_kept(event)
    return _insert_or_fail(event)


def _insert_unless_kept(event: WebhookEvent) -> WebhookEvent | None:
    # By hand: `save()` takes a redelivery for an error, and `bulk_create()` does not tell
    # whether the row is new. Each costs at least a tenth more, see the benchmarks.
    connection = database.connection()
    values = [
        field.get_db_prep_save(getattr(event, field.attname), connection) for field in _FIELDS
    ]
    with connection.cursor() as cursor:
        cursor.execute(_insertion(), values)
        kept = cursor.fetchall()
    if not kept:
        return None
    event.pk = kept[0][0]
    return event


def _insertion() -> str:
    meta, quoted = WebhookEvent._meta, database.connection().ops.quote_name
    columns = ", ".join(quoted(str(field.column)) for field in _FIELDS)
    places = ", ".join(["%s"] * len(_FIELDS))
    return (
        f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES ({places}) "  # noqa: S608 - our own names
        f"ON CONFLICT ({quoted('event_id')}) DO NOTHING RETURNING {quoted('id')}"
    )


def _insert_or_fail(event: WebhookEvent) -> WebhookEvent | None:
    # IGNORE, which MariaDB has instead, would swallow every other error as well.
    try:
        with database.atomic() if database.connection().in_atomic_block else nullcontext():
            event.save(force_insert=True)
    except IntegrityError:
        return None
    return event


def _act(event: WebhookEvent, now: datetime) -> DueAt:
    authentication = _subject_of(event) or reconciliation.adopt(event, now=now)
    if authentication is None:
        return _wait_for_subject(event, now)
    if authentication.is_scrubbed:
        _stored(event).update(applicant_id="")
    return _act_upon(event, authentication, now)


def _act_upon(event: WebhookEvent, authentication: FaceAuthentication, now: datetime) -> DueAt:
    if authentication.environment != conf.ENVIRONMENT:
        return _end(event, State.IGNORED)
    if _is_covered(event, authentication, now):
        return _end(event, State.PROCESSED)
    try:
        pulled = finish.refresh(authentication, source=StatusChange.Source.WEBHOOK, now=now)
    except NotFound:
        return _end(event, State.PROCESSED)  # the row knows
    if pulled is None:
        return _put_off(event, _next_chance(now))
    if event.type == ANONYMIZED and not pulled.snapshot.has_face:
        erasure.confirm(event.provider_id, now=now)
    return _end(event, State.PROCESSED)


def _subject_of(event: WebhookEvent) -> FaceAuthentication | None:
    row = FaceAuthentication.objects.filter(provider_id=event.provider_id).first()
    # Compared once more here: some databases take "fav_A" for "fav_a".
    return row if row is not None and row.provider_id == event.provider_id else None


def _is_covered(event: WebhookEvent, row: FaceAuthentication, now: datetime) -> bool:
    """Tell whether what we hold is newer than the event, and was acted upon (W-08)."""
    if row.synced_at is None or finish.is_unsettled(row):
        return False
    if event.type == ANONYMIZED:
        return row.erased_at is not None
    if row.synced_at >= event.received_at + LATER:
        return True
    told_on = clocks.given(event.created_on, now=now)
    return told_on is not None and (
        _is_newer(row, told_on, now) or told_on + clocks.ALLOWED_SKEW <= row.synced_at
    )


def _is_newer(row: FaceAuthentication, told_on: datetime, now: datetime) -> bool:
    """Tell whether the row holds a later state, by the provider's own clock."""
    held = clocks.given(row.modified_on, now=now)
    if held is None:
        return False
    # While things are moving, two of them may bear the same time.
    return told_on < held or (told_on == held and row.status in AT_REST)


def _wait_for_subject(event: WebhookEvent, now: datetime) -> DueAt:
    if erasure.is_asked_for(event.provider_id):
        return _end(event, State.PROCESSED, applicant_id="")  # the account is gone (V-07)
    waited, last_look = now - event.received_at, event.received_at + UNKNOWN_FOR
    if now >= last_look:
        return _end(event, State.IGNORED)
    return _put_off(event, min(now + max(waited / 2, FIRST_PAUSE), last_look))


def _next_chance(now: datetime) -> datetime:
    """Return when there may be an answer for us: somebody asks just now, or nobody may."""
    return provider_rate_limit.paused_until(now=now) or now + polling_schedule.PULL_INTERVAL


def _try_again(event: WebhookEvent, error: Exception, now: datetime) -> DueAt:
    tries, cause = event.tries + 1, unexpected_errors.cause_of(error)
    if tries >= MOST_TRIES:
        logger.error("event given up: %s event=%s", cause, event)
        return _end(event, State.FAILED, error=cause)
    pause = min(FIRST_PAUSE * 2**event.tries, LONGEST_PAUSE)
    return _put_off(event, now + polling_schedule.jittered(pause), tries=tries, error=cause)


def _put_off(event: WebhookEvent, due_at: datetime, **values: Any) -> DueAt:
    _stored(event).update(due_at=due_at, **values)
    return due_at


def _end(event: WebhookEvent, state: WebhookEvent.State, **values: Any) -> DueAt:
    _stored(event).update(state=state, due_at=None, tries=F("tries") + 1, **values)
    return None


def _stored(event: WebhookEvent) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(pk=event.pk, state=State.STORED)
