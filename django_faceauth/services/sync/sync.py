"""Bringing the provider's truth into our rows. Its only writer.

`now` is always the moment at which the provider was asked, which is never later than
the moment that the answer speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.exceptions import MalformedAnswer, NotFound, ProviderError
from django_faceauth.models import FaceAttempt, FaceAuthentication, database
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AttemptSnapshot, AuthenticationSnapshot
from django_faceauth.services import review_queue
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import (
    data_minimisation,
    poll_lock,
    polling_schedule,
    provider_rate_limit,
)
from django_faceauth.signals import status_changed
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, AuthenticationStatus

#: What an authentication is before there is a result.
PASSING: Final = BEFORE_CAPTURE | {AuthenticationStatus.CHECKS_IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class Pulled:
    """What the provider answered, and the row as it is then.

    `attempts` are there only when there was reason to ask for them.
    """

    row: FaceAuthentication
    snapshot: AuthenticationSnapshot
    attempts: tuple[AttemptSnapshot, ...] | None = None


def pull(
    authentication: FaceAuthentication, *, source: str, now: datetime, someone_waits: bool = False
) -> Pulled | None:
    """Ask the provider and apply its answer; return the answer.

    Returns None, without asking, while somebody else asks, within two seconds of the last
    time, after too many times, and when the budget of the site is used up (W-08, D-04).
    The attempts are asked for too, when the status has changed since the last time.

    Raises a `ProviderError` or a `ConfigurationError`. What the provider no longer knows is
    marked as erased before the `NotFound`.
    """
    client = get_client()
    if not _can_be_asked_for(authentication) or not poll_lock.acquire(authentication, source, now):
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=someone_waits):
        poll_lock.release(authentication, now)
        return None
    try:
        with provider_rate_limit.honour_retry_after(now=now):
            snapshot = client.get_authentication(authentication.provider_id or "")
    except NotFound:
        erase(authentication, now=now)
        raise
    except ProviderError:
        poll_lock.release_after_error(authentication, now)
        raise
    row = apply(authentication, snapshot, source=source, now=now)
    attempts = pull_attempts(row, now=now) if has_stale_attempts(row) else None
    return Pulled(row, snapshot, attempts)


def pull_attempts(
    authentication: FaceAuthentication, *, now: datetime
) -> tuple[AttemptSnapshot, ...]:
    """Ask the provider for the attempts, newest first, and mirror them; return them.

    Raises a `ProviderError` or a `ConfigurationError`.
    """
    provider_rate_limit.record(now=now)
    return _list_attempts(authentication, now)


def look_at_attempts(
    authentication: FaceAuthentication, *, now: datetime
) -> tuple[AttemptSnapshot, ...] | None:
    """Do what `pull_attempts` does, for a visitor who may press a button again and again.

    Returns None, without asking, within two seconds of the last question about the
    authentication, and when the budget of the site is used up.
    """
    if not poll_lock.claim_look(authentication, now) or not provider_rate_limit.try_acquire(
        now=now, someone_waits=True
    ):
        return None
    return _list_attempts(authentication, now)


def has_stale_attempts(row: FaceAuthentication) -> bool:
    """Tell whether something has happened since the attempts were last asked for."""
    known, changed = row.attempts_synced_at, row.last_change_at
    return changed is not None and (known is None or known < changed)


def _list_attempts(
    authentication: FaceAuthentication, now: datetime
) -> tuple[AttemptSnapshot, ...]:
    client = get_client()
    with provider_rate_limit.honour_retry_after(now=now):
        listed = client.list_attempts(authentication.provider_id or "").items
    _keep_attempts(authentication, listed, now)
    return listed


@database.repeated
def _keep_attempts(
    authentication: FaceAuthentication, listed: Sequence[AttemptSnapshot], now: datetime
) -> None:
    challenge = getattr(authentication, "challenge", None)
    asked_at = challenge.started_at if challenge else None
    with database.atomic():
        mirror_attempts(authentication, listed, started_at=asked_at or authentication.created_at)
        review_queue.consider(locked(authentication), now=now)
        _rows(authentication).update(attempts_synced_at=now)


@database.repeated
def apply(
    authentication: FaceAuthentication,
    snapshot: AuthenticationSnapshot,
    *,
    source: str,
    now: datetime,
) -> FaceAuthentication:
    """Write what the provider said, unless something newer is held; return the row."""
    with database.atomic():
        row = locked(authentication)
        row.pulling_since = None
        if _is_news(row, snapshot, now):
            _write(row, snapshot, source, now)
            _bound_capture(row, now)
        row.save()
        if row.status != AuthenticationStatus.APPROVED:
            revocation.revoke(row, reason=row.status, now=now)  # what protects commits with it
    return row


@database.repeated
def erase(authentication: FaceAuthentication, *, now: datetime) -> None:
    """Remember that the provider holds no personal data of it any more; revoke its grants.

    The row keeps its last status, as a record of what was.
    """
    with database.atomic():
        row = locked(authentication)
        row.pulling_since = row.next_poll_at = None
        row.erased_at = row.erased_at or now
        row.save()
        revocation.revoke(row, reason="erased", now=now)


def scrub(user_id: Any) -> None:
    """Take what tells something about a user out of their rows, and plan no more questions.

    Status, moments and history stay, as a record of what was (TH-47); late answers do not bring
    back what is gone. Call it within a transaction together with what made it necessary.
    """
    rows = FaceAuthentication.objects.filter(user_id=user_id)
    rows.update(applicant_id="", response_codes=[], code=None, risk_labels=[], next_poll_at=None)
    attempts = FaceAttempt.objects.filter(authentication__user_id=user_id)
    attempts.update(response_codes=[], network="")


def locked(authentication: FaceAuthentication) -> FaceAuthentication:
    """Return the row as it is now, for this transaction alone."""
    return FaceAuthentication.objects.select_for_update().get(pk=authentication.pk)


def expect(authentication: FaceAuthentication, *, by: datetime, now: datetime) -> None:
    """Remember that something is about to happen at the provider, and to look `by` then.

    What is held of the attempts is out of date by that.
    """
    _rows(authentication).update(last_change_at=now, next_poll_at=by, attempts_synced_at=None)


def plan(authentication: FaceAuthentication, moment: datetime | None) -> None:
    """Plan the next question, None for no more, unless something has happened meanwhile."""
    unchanged = _rows(authentication).filter(
        synced_at=authentication.synced_at, last_change_at=authentication.last_change_at
    )
    unchanged.update(next_poll_at=moment)


@database.repeated
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
    with database.atomic():
        row = locked(authentication)
        for snapshot in reversed(snapshots):  # the newest gets the last row
            _mirror(row, snapshot, started_at)


def saw_unopened(attempt: AttemptSnapshot, *, now: datetime) -> None:
    """Remember that the link of an attempt was still unopened at `now`: no face yet."""
    rows = FaceAttempt.objects.filter(provider_id=attempt.id, capture_not_before__lt=now)
    rows.update(capture_not_before=now)


def _can_be_asked_for(authentication: FaceAuthentication) -> bool:
    # The other environment would not know the id, and that must not look like an erasure.
    return bool(authentication.provider_id) and authentication.environment == conf.ENVIRONMENT


def _rows(authentication: FaceAuthentication) -> QuerySet[FaceAuthentication]:
    return FaceAuthentication.objects.filter(pk=authentication.pk)


def _is_news(row: FaceAuthentication, snapshot: AuthenticationSnapshot, now: datetime) -> bool:
    held = clocks.given(row.modified_on, now=now)
    given = clocks.given(snapshot.modified_on, now=now)
    if snapshot.status != AuthenticationStatus.APPROVED:
        # What may close a gate counts, whatever the clocks say; only what comes before every
        # result can be known to be old news.
        is_old = held and given and given < held - clocks.ALLOWED_SKEW
        return not (is_old and snapshot.status in PASSING)
    if held and given and held != given:
        return given > held
    # The provider's clock does not tell them apart: the later question has the later answer.
    return row.synced_at is None or now >= row.synced_at


def _write(
    row: FaceAuthentication, snapshot: AuthenticationSnapshot, source: str, now: datetime
) -> None:
    previous, row.status = row.status, snapshot.status
    facts = data_minimisation.filter_facts(row, snapshot.facts)
    row.response_codes, row.risk_labels = facts["response_codes"], facts["risk_labels"]
    row.code = next(iter(row.codes), None)
    row.created_on = _given(snapshot.created_on, row.created_on, now)
    row.modified_on = _given(snapshot.modified_on, row.modified_on, now)
    row.provider_id = row.provider_id or _unclaimed(snapshot)
    row.synced_at = now
    row.next_poll_at = polling_schedule.next_poll(row, now=now)
    if previous != row.status:
        _note_change(row, previous, source, now)


def _given(news: datetime | None, held: datetime | None, now: datetime) -> datetime | None:
    return clocks.given(news, now=now) or clocks.given(held, now=now)


def _note_change(row: FaceAuthentication, previous: str, source: str, now: datetime) -> None:
    row.last_change_at = now
    row.next_poll_at = polling_schedule.after_change(row, now=now)
    row.status_changes.create(previous=previous, status=row.status, source=source, at=now)
    send_on_commit(
        status_changed,
        sender=FaceAuthentication,
        authentication=row,
        previous=previous,
        status=row.status,
        source=source,
    )


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
        **data_minimisation.filter_facts(authentication, snapshot.facts),
        "status": snapshot.status,
        "created_on": snapshot.created_on,
        "modified_on": snapshot.modified_on,
    }
    if snapshot.former_networks and said.get("network"):
        # Else the user would be warned of a new one after a rotation of SECRET_KEY.
        shown = FaceAttempt.objects.filter(authentication__user_id=authentication.user_id)
        known = shown.filter(network__in=snapshot.former_networks)
        known.update(network=snapshot.network)
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
