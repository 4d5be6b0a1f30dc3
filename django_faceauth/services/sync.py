"""Bringing the provider's truth into our rows. `apply` is its only writer.

`now` is always the moment at which the provider was asked, which is never later than
the moment that the answer speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.snapshots import AttemptSnapshot, AuthenticationSnapshot
from django_faceauth.services import grants
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, AuthenticationStatus

PULL_INTERVAL: Final = timedelta(seconds=2)


def pull(
    authentication: FaceAuthentication, *, source: str, now: datetime
) -> AuthenticationSnapshot | None:
    """Ask the provider and apply its answer; return the answer.

    Returns None, without asking, less than two seconds after the last time anybody
    asked. Raises a `ProviderError` or a `ConfigurationError`.
    """
    if authentication.provider_id is None or not _claim_pull(authentication, now):
        return None
    snapshot = get_client().get_authentication(authentication.provider_id)
    apply(authentication, snapshot, source=source, now=now)
    return snapshot


def apply(
    authentication: FaceAuthentication,
    snapshot: AuthenticationSnapshot,
    *,
    source: str,
    now: datetime,
) -> FaceAuthentication:
    """Write what the provider said, unless something newer is held; return the row."""
    with transaction.atomic():
        row = FaceAuthentication.objects.select_for_update().get(pk=authentication.pk)
        if not _is_news(row, snapshot, now):
            return row
        _write(row, snapshot, source, now)
        _bound_capture(row, now)
        if row.status != AuthenticationStatus.APPROVED:
            grants.revoke(row, reason=row.status, now=now)  # what protects commits with it
    return row


def mirror_attempts(
    authentication: FaceAuthentication,
    snapshots: Sequence[AttemptSnapshot],
    *,
    started_at: datetime,
) -> None:
    """Write what the provider said of attempts, newest first, known and unknown ones.

    `started_at` is when we asked for the newest: on our own clock, no face was shown
    before. Raises `MalformedAnswer` for an attempt of another authentication.
    """
    with transaction.atomic():
        FaceAuthentication.objects.select_for_update().get(pk=authentication.pk)
        for snapshot in reversed(snapshots):  # the newest gets the last row
            _mirror(authentication, snapshot, started_at)


def saw_unopened(attempt: AttemptSnapshot, *, now: datetime) -> None:
    """Remember that the link of an attempt was still unopened at `now`: no face yet."""
    rows = FaceAttempt.objects.filter(provider_id=attempt.id, capture_not_before__lt=now)
    rows.update(capture_not_before=now)


def _claim_pull(authentication: FaceAuthentication, now: datetime) -> bool:
    row = FaceAuthentication.objects.filter(pk=authentication.pk)
    # A moment well ahead of now was written before the clock was set back.
    due = row.filter(
        Q(pulled_at=None)
        | Q(pulled_at__lte=now - PULL_INTERVAL)
        | Q(pulled_at__gt=now + PULL_INTERVAL)
    )
    return due.update(pulled_at=now) == 1


def _is_news(row: FaceAuthentication, snapshot: AuthenticationSnapshot, now: datetime) -> bool:
    held, given = row.modified_on, snapshot.modified_on
    if held and given and held != given:
        return given > held
    # The provider's clock does not tell them apart: the later question has the later answer.
    return row.synced_at is None or now >= row.synced_at


def _write(
    row: FaceAuthentication, snapshot: AuthenticationSnapshot, source: str, now: datetime
) -> None:
    previous, row.status = row.status, snapshot.status
    row.response_codes = [code.as_json() for code in snapshot.response_codes]
    row.risk_labels = list(snapshot.risk_labels)
    row.created_on = snapshot.created_on or row.created_on
    row.modified_on = snapshot.modified_on or row.modified_on
    row.provider_id = row.provider_id or _unclaimed(snapshot)
    row.synced_at = now
    row.save()
    if previous != row.status:
        row.status_changes.create(previous=previous, status=row.status, source=source, at=now)


def _unclaimed(snapshot: AuthenticationSnapshot) -> str:
    if FaceAuthentication.objects.filter(provider_id=snapshot.id).exists():
        raise MalformedAnswer("create_authentication", cause="id of another authentication")
    return snapshot.id


def _bound_capture(row: FaceAuthentication, now: datetime) -> None:
    """Narrow down when the face was shown, from a status seen at `now`."""
    newest = row.attempts.filter(created_at__lte=now).first()
    if newest is None or newest.capture_not_after:
        return
    if row.status in BEFORE_CAPTURE:
        newest.capture_not_before = max(newest.capture_not_before, now)
    elif row.status in AFTER_CAPTURE:
        newest.capture_not_after = now
    newest.save(update_fields=["capture_not_before", "capture_not_after"])


def _mirror(
    authentication: FaceAuthentication, snapshot: AttemptSnapshot, started_at: datetime
) -> None:
    said = {
        "status": snapshot.status,
        "response_codes": [code.as_json() for code in snapshot.response_codes],
        "created_on": snapshot.created_on,
        "modified_on": snapshot.modified_on,
    }
    attempt, _created = FaceAttempt.objects.update_or_create(
        provider_id=snapshot.id,
        defaults=said,
        create_defaults={
            **said,
            "authentication": authentication,
            "created_at": started_at,
            # The earlier clock: one that is ahead must not make a face look fresher.
            "capture_not_before": min(snapshot.created_on or started_at, started_at),
        },
    )
    if attempt.authentication_id != authentication.pk:
        raise MalformedAnswer("list_attempts", cause="attempt of another authentication")
