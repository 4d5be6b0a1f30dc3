"""Write the provider's answers into our rows.

`now` is always the moment before the provider was asked, which is never later than the moment
that its answer describes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.exceptions import MalformedAnswer, NotFound, ProviderError
from django_faceauth.models import (
    FaceAttempt,
    FaceAuthentication,
    IdentityVerification,
    database,
)
from django_faceauth.models.resource import Resource
from django_faceauth.provider.factory import get_client
from django_faceauth.services import review_queue
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import poll_lock, polling_schedule, provider_rate_limit
from django_faceauth.signals import status_changed
from django_faceauth.statuses import AFTER_CAPTURE, BEFORE_CAPTURE, AuthenticationStatus

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AttemptSnapshot, AuthenticationSnapshot

logger = logging.getLogger(__name__)

Mirror = TypeVar("Mirror", bound=Resource)

#: The client's method that returns the current state of a resource.
GET: Final[Mapping[type[Resource], Callable[..., AuthenticationSnapshot]]] = {
    FaceAuthentication: lambda client, pk: client.get_authentication(pk),
    IdentityVerification: lambda client, pk: client.get_identity_verification(pk),
}

#: Statuses that come before every result.
UNFINISHED: Final = BEFORE_CAPTURE | {AuthenticationStatus.CHECKS_IN_PROGRESS}


class Pulled(NamedTuple):
    """The provider's answer, and the row after it.

    `attempts` is None unless there was a reason to ask for them.
    """

    row: Any
    snapshot: AuthenticationSnapshot
    attempts: tuple[AttemptSnapshot, ...] | None = None


def pull(
    resource: Resource, *, source: str, now: datetime, someone_waits: bool = False
) -> Pulled | None:
    """Ask the provider, apply its answer and return it.

    Returns None, without asking, while another process asks, within two seconds of the last
    poll, after too many polls, and when the rate limit of the site is reached. The attempts of
    a face authentication are asked for too, when the status has changed since the last time.

    Raises a `ProviderError` or a `ConfigurationError`. A resource that the provider no longer
    knows is marked as erased before the `NotFound`.
    """
    client = get_client()
    # The other environment would not know the id, and that must not look like an erasure.
    if not resource.provider_id or resource.environment != conf.ENVIRONMENT:
        return None
    if not poll_lock.acquire(resource, source, now):
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=someone_waits):
        poll_lock.release(resource, now)
        return None
    try:
        with provider_rate_limit.honour_retry_after(now=now):
            snapshot = GET[type(resource)](client, resource.provider_id)
    except NotFound:
        erase(resource, now=now)
        raise
    except ProviderError:
        poll_lock.release_after_error(resource, now)
        raise
    row = apply(resource, snapshot, source=source, now=now)
    if isinstance(row, FaceAuthentication) and has_stale_attempts(row):
        return Pulled(row, snapshot, pull_attempts(row, now=now))
    return Pulled(row, snapshot)


def pull_attempts(
    authentication: FaceAuthentication, *, now: datetime, is_counted: bool = False
) -> tuple[AttemptSnapshot, ...]:
    """Ask the provider for the attempts, mirror them and return them, newest first.

    Raises a `ProviderError` or a `ConfigurationError`.
    """
    if not is_counted:
        provider_rate_limit.record(now=now)
    client = get_client()
    with provider_rate_limit.honour_retry_after(now=now):
        listed = client.list_attempts(authentication.provider_id or "").items
    _keep_attempts(authentication, listed, now)
    return listed


def look_at_attempts(
    authentication: FaceAuthentication, *, now: datetime
) -> tuple[AttemptSnapshot, ...] | None:
    """Do what `pull_attempts` does, for a user who may press a button again and again.

    Returns None, without asking, within two seconds of the last call about the authentication,
    and when the rate limit of the site is reached.
    """
    if not poll_lock.acquire_for_attempts(authentication, now):
        return None
    if not provider_rate_limit.try_acquire(now=now, someone_waits=True):
        return None
    return pull_attempts(authentication, now=now, is_counted=True)


def has_stale_attempts(row: FaceAuthentication) -> bool:
    """Return whether something has happened since the attempts were last asked for."""
    known, changed = row.attempts_synced_at, row.last_change_at
    if changed is None or (known is not None and known >= changed):
        return False
    # Before there is a result, only one that we have missed is of interest.
    return row.status not in UNFINISHED or not row.attempts.exists()


@database.repeated
def _keep_attempts(
    authentication: FaceAuthentication, listed: Sequence[AttemptSnapshot], now: datetime
) -> None:
    challenge = getattr(authentication, "challenge", None)
    asked_at = challenge.started_at if challenge else None
    with database.atomic():
        mirror_attempts(authentication, listed, started_at=asked_at or authentication.created_at)
        review_queue.consider(locked(authentication), now=now)
        FaceAuthentication.objects.filter(pk=authentication.pk).update(attempts_synced_at=now)


@database.repeated
def apply(
    resource: Mirror, snapshot: AuthenticationSnapshot, *, source: str, now: datetime
) -> Mirror:
    """Write an answer of the provider, unless a newer one is held; return the row."""
    with database.atomic():
        row = locked(resource)
        previous, row.pulling_since = row.status, None
        if _is_news(row, snapshot, now):
            _write(row, snapshot, source, now)
        # What protects commits with it.
        if isinstance(row, IdentityVerification):
            applicants.settle(row, snapshot, now=now)
        row.save()
        # While the capture goes on waiting, there is no grant.
        may_be_granted = not {previous, row.status} <= BEFORE_CAPTURE
        is_taken_back = may_be_granted and row.status != AuthenticationStatus.APPROVED
        if isinstance(row, FaceAuthentication) and is_taken_back:
            revocation.revoke(row, reason=row.status, now=now)
    return row


@database.repeated
def erase(resource: Resource, *, now: datetime) -> None:
    """Note that the provider holds no more personal data of a resource; end what rests on it.

    The row keeps its last status as a record.
    """
    with database.atomic():
        row = locked(resource)
        row.pulling_since = row.next_poll_at = None
        row.erased_at = row.erased_at or now
        if isinstance(row, IdentityVerification):
            applicants.settle(row, None, now=now)
        row.save()
        if isinstance(row, FaceAuthentication):
            revocation.revoke(row, reason="erased", now=now)


def scrub(user_id: Any) -> None:
    """Remove personal data from the rows of a user, and plan no more polls.

    Status, times and history stay as a record; late answers do not bring back what is gone.
    Call it in one transaction with what made it necessary.
    """
    rows = FaceAuthentication.objects.filter(user_id=user_id)
    rows.update(applicant_id="", response_codes=[], code=None, risk_labels=[], next_poll_at=None)
    IdentityVerification.objects.filter(user_id=user_id).update(
        applicant_id="",
        replaces="",
        session_digest="",
        response_codes=[],
        code=None,
        next_poll_at=None,
    )
    attempts = FaceAttempt.objects.filter(authentication__user_id=user_id)
    attempts.update(response_codes=[], network="")


def locked(resource: Mirror) -> Mirror:
    """Lock the row for this transaction; return its present state."""
    return type(resource)._base_manager.select_for_update().get(pk=resource.pk)


def expect(resource: Resource, *, by: datetime, now: datetime, **values: None) -> None:
    """Note that something is about to happen at the provider, and poll `by` then.

    The mirrored attempts are out of date by that. With `pulled_at=None` a page may poll at once.
    """
    if isinstance(resource, FaceAuthentication):
        values["attempts_synced_at"] = None
    rows = type(resource)._base_manager.filter(pk=resource.pk)
    rows.update(last_change_at=now, next_poll_at=by, **values)


def plan(resource: Resource, moment: datetime | None) -> None:
    """Plan the next poll, None for no more, unless something has happened meanwhile."""
    unchanged = type(resource)._base_manager.filter(
        pk=resource.pk, synced_at=resource.synced_at, last_change_at=resource.last_change_at
    )
    unchanged.update(next_poll_at=moment)


@database.repeated
def mirror_attempts(
    authentication: FaceAuthentication,
    snapshots: Sequence[AttemptSnapshot],
    *,
    started_at: datetime,
) -> None:
    """Create or update rows for the attempts that the provider returned, newest first.

    `started_at` is when we asked for the newest: on our own clock, no face was captured
    before. Raises `MalformedAnswer` for an attempt of another authentication.
    """
    with database.atomic():
        row = locked(authentication)
        for snapshot in reversed(snapshots):  # the newest gets the last row
            values = {
                **filter_facts(row, snapshot.facts),
                "status": snapshot.status,
                "created_on": snapshot.created_on,
                "modified_on": snapshot.modified_on,
            }
            if snapshot.former_networks and values.get("network"):
                # Else the user would be warned of a new one after a rotation of SECRET_KEY.
                attempts = FaceAttempt.objects.filter(authentication__user_id=row.user_id)
                known = attempts.filter(network__in=snapshot.former_networks)
                known.update(network=snapshot.network)
            attempt, _created = FaceAttempt.objects.update_or_create(
                provider_id=snapshot.id,
                defaults=values,
                create_defaults={
                    **values,
                    "authentication": row,
                    "created_at": started_at,
                    # The earlier clock: one that is ahead must not make a face look fresher.
                    "capture_not_before": min(snapshot.created_on or started_at, started_at),
                },
            )
            if attempt.authentication_id != row.pk:
                raise MalformedAnswer("list_attempts", cause="attempt of another authentication")


def filter_facts(row: Resource, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts to store about an authentication, all of them lists or strings.

    `FACEAUTH_SCRUB` is given a copy and returns what to keep. What it adds does not count, and
    if it raises nothing is kept. Of an erased user nothing is kept either.
    """
    scrub = conf.SCRUB
    if row.is_scrubbed:
        wanted: Mapping[str, Any] = {}
    elif scrub is None:
        wanted = facts
    else:
        try:
            wanted = dict(scrub(deepcopy(dict(facts))))
        except Exception as error:  # the status must not be lost by it
            logger.error("scrub failed: %s", type(error).__name__)
            wanted = {}
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        choice = wanted.get(name)
        if isinstance(value, list):
            choice = choice if isinstance(choice, list | tuple) else ()
            kept[name] = [item for item in value if item in choice]
        else:
            kept[name] = value if choice == value else type(value)()
    return kept


def saw_unopened(attempt: AttemptSnapshot, *, now: datetime) -> None:
    """Note that the link of an attempt was still unopened at `now`: no face yet."""
    rows = FaceAttempt.objects.filter(provider_id=attempt.id, capture_not_before__lt=now)
    rows.update(capture_not_before=now)
    row = FaceAuthentication.objects.filter(attempts__provider_id=attempt.id)
    row.update(attempts_synced_at=None)  # how it ends is still to be asked for


def _is_news(row: Resource, snapshot: AuthenticationSnapshot, now: datetime) -> bool:
    held = clocks.given(row.modified_on, now=now)
    given = clocks.given(snapshot.modified_on, now=now)
    if snapshot.status != AuthenticationStatus.APPROVED:
        # A status that may close a gate counts, whatever the clocks say; only one that comes
        # before every result can be known to be old.
        is_old = held and given and given < held - clocks.ALLOWED_SKEW
        return not (is_old and snapshot.status in UNFINISHED)
    if held and given and held != given:
        return given > held
    # The provider's clock does not tell them apart: the later question has the later answer.
    return row.synced_at is None or now >= row.synced_at


def _write(row: Resource, snapshot: AuthenticationSnapshot, source: str, now: datetime) -> None:
    previous, seen_at = row.status, row.synced_at
    row.status = snapshot.status
    facts = filter_facts(row, snapshot.facts)
    row.response_codes = facts["response_codes"]
    row.code = next(iter(row.codes), None)
    for name in ("created_on", "modified_on"):
        moments = (getattr(snapshot, name), getattr(row, name))
        plausible = (clocks.given(moment, now=now) for moment in moments)
        setattr(row, name, next(filter(None, plausible), None))
    if not row.provider_id:
        if type(row)._base_manager.filter(provider_id=snapshot.id).exists():
            raise MalformedAnswer("create", cause="id of another row")
        row.provider_id = snapshot.id
    row.synced_at = now
    if previous != row.status:
        row.last_change_at = now
    row.next_poll_at = polling_schedule.next_poll(row, now=now)
    if not isinstance(row, FaceAuthentication):
        return
    row.risk_labels = facts["risk_labels"]
    if previous != row.status:
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
    if row.status in BEFORE_CAPTURE:
        return
    # When it was last seen before the capture, and is first seen after it, bounds the capture.
    newest = row.attempts.filter(created_at__lte=now).first()
    if newest is None or newest.capture_not_after:
        return
    if previous in BEFORE_CAPTURE and seen_at and newest.created_at < seen_at:
        newest.capture_not_before = max(newest.capture_not_before, seen_at)
    if row.status in AFTER_CAPTURE:
        newest.capture_not_after = now
    newest.save(update_fields=["capture_not_before", "capture_not_after"])
