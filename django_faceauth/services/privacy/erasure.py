"""Erase a user's face data here and at the provider.

The request is committed before the provider is asked, and outlives the account. Each
authentication is a task of its own, which is retried until the provider confirms it. So are,
with `FACEAUTH_ERASE_APPLICANT`, the identity verifications and the applicants of the user.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F, QuerySet

from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    ConfigurationError,
    NotFound,
    ProviderError,
    Rejected,
    Unavailable,
)
from django_faceauth.identifiers import Prefix
from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    Consent,
    Erasure,
    ErasureTask,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    IdentityVerification,
    Verdict,
    WebhookEvent,
    database,
)
from django_faceauth.provider.factory import get_client
from django_faceauth.services import audit_log, unexpected_errors
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import poll_lock, polling_schedule, provider_rate_limit, sync

__all__ = ["request"]

logger = logging.getLogger(__name__)

State = ErasureTask.State

#: Tasks of one sweep: each may wait for the provider for as long as a call may take.
BATCH: Final = 5
#: What was begun while its user was being erased is found within this time.
LATE: Final = timedelta(hours=1)


@database.repeated
def request(
    user: AbstractBaseUser, *, reason: Erasure.Reason, by: AbstractBaseUser | None, now: datetime
) -> Erasure:
    """Erase the face data of a user here, and queue its erasure at the provider.

    `by` is who asked for it, None for a command. The user cannot pass face checks any more, and
    is left to the fallback. Safe to repeat: returns the former request if there is nothing new;
    if that is unfinished, adds what came since and retries what the provider had rejected.
    """
    with database.atomic():
        former = _lock(user)
        if former and former.finished_at and not _has_traces(user.pk):
            return former
        erasure = _queue(user, former, reason, now)
        queued = erasure.tasks.filter(state=State.DUE).count()
        revocation.end_all(user.pk, reason="erased", now=now)
        _erase_rows(user.pk)
        _finish(erasure, now)
        audit_log.note("erased", by=by, about=erasure, user=user, now=now, queued=queued)
    return erasure


def queue(user: AbstractBaseUser, *, reason: Erasure.Reason, now: datetime) -> None:
    """Queue the erasure of a user at the provider; what is held here stays as it is.

    Call it in a transaction.
    """
    _finish(_queue(user, _lock(user), reason, now), now)


def is_needed(user: AbstractBaseUser) -> bool:
    """Tell whether anything is held about a user that `request` would erase."""
    kinds = (Applicant, FaceAuthentication, FaceChallenge, IdentityVerification, Consent)
    return any(kind._base_manager.filter(user_id=user.pk).exists() for kind in kinds)


def is_asked_for(provider_id: str) -> bool:
    """Tell whether the erasure of an authentication was ever requested."""
    return ErasureTask.objects.filter(digest=digest_of(provider_id)).exists()


def queue_lost_creation(provider_id: str, applicant_id: str, *, now: datetime) -> bool:
    """Queue what an event names of an applicant that was just erased; tell whether it was.

    The response to its creation was lost. Later, the site may use the applicant otherwise.
    """
    if Applicant.objects.filter(applicant_id=applicant_id).exists():
        return False  # linked again
    requests = Erasure.objects.filter(
        tasks__digest=digest_of(applicant_id),
        tasks__environment=conf.ENVIRONMENT,
        requested_at__gt=now - LATE,
    )
    return requests.exists() and _queue_late(requests, provider_id, conf.ENVIRONMENT, now)


def advance(*, now: datetime, of: Erasure | None = None) -> int:
    """Ask the provider for erasures that are due, of one request or of any.

    Returns how many it decided. Stops at the first error of the provider, which is logged; what
    is left is due again later, without an end. So is a task that failed for a reason of its own.
    """
    _queue_latecomers(now)
    tasks = (of.tasks.all() if of else ErasureTask.objects.all()).filter(
        environment=conf.ENVIRONMENT
    )
    # As nearly always, nothing is due.
    if provider_rate_limit.paused_until(now=now) or not tasks.filter(due_at__lte=now).exists():
        return 0
    decided = 0
    for pk in poll_lock.claim_due(tasks, "due_at", BATCH, now=now):
        due = ErasureTask.objects.filter(pk=pk, state=State.DUE)
        task = due.select_related("erasure").first()
        if task is None:  # a webhook was quicker
            decided += 1
            continue
        if not provider_rate_limit.try_acquire(now=now, someone_waits=False):
            due.update(due_at=now + polling_schedule.jittered(polling_schedule.TURN))
            break
        try:
            _anonymize(task.provider_id, now)
            confirm(task.provider_id, now=now)
        except Rejected as error:
            logger.error("erasure rejected by the provider: %s task=%s", error, pk)
            error_name = type(error).__name__
            due.update(state=State.REFUSED, due_at=None, tries=F("tries") + 1, error=error_name)
        except unexpected_errors.AWAY:
            raise
        except Exception as error:
            is_trouble = isinstance(error, ProviderError | ConfigurationError)
            if is_trouble:
                logger.warning("erasure failed: %s task=%s", error, pk)
            else:
                unexpected_errors.note(error, f"task={pk}")
            pause = polling_schedule.pause_after(now - task.erasure.requested_at)
            due_at = now + polling_schedule.jittered(pause)
            cause = unexpected_errors.cause_of(error)
            due.update(due_at=due_at, tries=F("tries") + 1, error=cause)
            if is_trouble:
                break
            continue
        decided += 1
    return decided


def anonymize(authentication: FaceAuthentication, *, now: datetime) -> None:
    """Have the personal data of an authentication removed at the provider, for good.

    Revokes what was granted on it. Raises a `ProviderError` or a `ConfigurationError`, also when
    the site has used up its rate; an authentication that the provider does not know any more has
    nothing left to remove.
    """
    if authentication.erased_at is not None:
        return
    if not provider_rate_limit.try_acquire(now=now, someone_waits=True):
        raise Unavailable("anonymize_authentication", cause="asked too often", was_sent=False)
    provider_id = authentication.provider_id or ""
    _anonymize(provider_id, now)
    confirm(provider_id, now=now)


@database.repeated
def confirm(provider_id: str, *, now: datetime) -> None:
    """Record that the provider has no personal data of that object any more."""
    with database.atomic():
        for model in (FaceAuthentication, IdentityVerification):
            for row in model._base_manager.filter(provider_id=provider_id):
                sync.erase(row, now=now)
        for applicant in Applicant.objects.filter(applicant_id=provider_id):
            revocation.end_all(applicant.user_id, reason="erased", now=now)
            applicant.delete()
        tasks = ErasureTask.objects.filter(digest=digest_of(provider_id)).exclude(state=State.DONE)
        for task in tasks.select_related("erasure"):
            ErasureTask.objects.filter(pk=task.pk).update(
                state=State.DONE,
                due_at=None,
                done_at=now,
                provider_id="",
                tries=F("tries") + 1,
                error="",
            )
            _finish(task.erasure, now)


def digest_of(provider_id: str) -> str:
    """Return the digest that proves the erasure of an id to everyone who knows the id."""
    return hashlib.sha256(provider_id.encode()).hexdigest()


def _lock(user: AbstractBaseUser) -> Erasure | None:
    """Lock a user until the end of the transaction; return the newest request for them."""
    get_user_model()._base_manager.select_for_update().filter(pk=user.pk).first()
    return Erasure.objects.filter(who=str(user.pk)).order_by("-pk").first()


def _has_traces(user_id: Any) -> bool:
    """Tell whether there is anything that an erasure would change."""
    named = FaceAuthentication.objects.filter(user_id=user_id).exclude(applicant_id="")
    verified = IdentityVerification.objects.filter(user_id=user_id).exclude(session_digest="")
    asked = FaceChallenge.objects.filter(user_id=user_id).exclude(session_digest="")
    starts = AttemptRequest.objects.filter(user_id=user_id)
    applicants = Applicant.objects.filter(user_id=user_id)
    return any(rows.exists() for rows in (named, verified, asked, starts, applicants))


def _queue(
    user: AbstractBaseUser, former: Erasure | None, reason: Erasure.Reason, now: datetime
) -> Erasure:
    """Make tasks due for all that the provider still holds, in an unfinished or a new request."""
    if former and not former.finished_at:
        erasure = former
    else:
        erasure = Erasure.objects.create(who=str(user.pk), reason=reason, requested_at=now)
    held = FaceAuthentication.objects.filter(user_id=user.pk, erased_at=None)
    for row in held.exclude(provider_id=None):
        _queue_one(erasure, row.provider_id or "", row.environment, now)
    if conf.ERASE_APPLICANT:
        verified = IdentityVerification.objects.filter(user_id=user.pk)
        for verification in verified.filter(erased_at=None).exclude(provider_id=None):
            _queue_one(erasure, verification.provider_id or "", verification.environment, now)
        # Also those of before the user was linked otherwise, and those that were declined.
        faces = FaceAuthentication.objects.filter(user_id=user.pk)
        known = [*faces.values_list("applicant_id", "environment").distinct()]
        known += verified.values_list("applicant_id", "environment").distinct()
        linked = Applicant.objects.filter(user_id=user.pk).values_list("applicant_id", flat=True)
        known += [(applicant_id, conf.ENVIRONMENT) for applicant_id in linked]
        # An applicant that has become another user's is theirs.
        others = Applicant.objects.exclude(user_id=user.pk)
        taken = others.filter(applicant_id__in=[applicant_id for applicant_id, _ in known])
        not_ours = {"", *taken.values_list("applicant_id", flat=True)}
        for applicant_id, environment in dict.fromkeys(known):
            if applicant_id not in not_ours:
                _queue_one(erasure, applicant_id, environment, now)
    # Requested once more: the cause of the rejection may have been repaired.
    erasure.tasks.filter(state=State.REFUSED).update(state=State.DUE, due_at=now, error="")
    return erasure


def _queue_one(erasure: Erasure, provider_id: str, environment: str, now: datetime) -> None:
    values = {"provider_id": provider_id, "environment": environment, "due_at": now}
    erasure.tasks.get_or_create(digest=digest_of(provider_id), defaults=values)


def _erase_rows(user_id: Any) -> None:
    for model in (FaceAuthentication, IdentityVerification):
        ids = model._base_manager.filter(user_id=user_id).exclude(provider_id=None)
        events = WebhookEvent.objects.filter(provider_id__in=ids.values("provider_id"))
        events.update(applicant_id="")
    FaceChallenge.objects.filter(user_id=user_id).update(
        session_digest="",
        snapshot={},
        snapshot_order=[],
        saved_form_data=None,
        next_url="",
        resume_url="",
        return_url="",
        network="",
        browser="",
    )
    # Who decided what when stays, their words do not.
    Verdict._base_manager.filter(authentication__user_id=user_id).update(note="")
    FaceExemption._base_manager.filter(user_id=user_id).update(reason="erased")
    AttemptRequest.objects.filter(user_id=user_id).delete()
    Applicant.objects.filter(user_id=user_id).delete()
    sync.scrub(user_id)


def _queue_latecomers(now: datetime) -> None:
    """Queue what the provider made while its user was being erased: it had no id then."""
    models: list[Any] = [FaceAuthentication]
    if conf.ERASE_APPLICANT:
        models.append(IdentityVerification)
    for model in models:
        scrubbed = model._base_manager.filter(applicant_id="", erased_at=None)
        for row in scrubbed.filter(created_at__gte=now - LATE).exclude(provider_id=None):
            if not is_asked_for(row.provider_id or ""):
                with unexpected_errors.contained(f"{model._meta.model_name}={row}"):
                    requests = Erasure.objects.filter(who=str(row.user_id))
                    _queue_late(requests, row.provider_id or "", row.environment, now)


@database.repeated
def _queue_late(
    requests: QuerySet[Erasure], provider_id: str, environment: str, now: datetime
) -> bool:
    with database.atomic():
        erasure = requests.select_for_update().order_by("-pk").first()
        if erasure is None:
            return False
        _queue_one(erasure, provider_id, environment, now)
        Erasure.objects.filter(pk=erasure.pk).update(finished_at=None)
    return True


def _anonymize(provider_id: str, now: datetime) -> None:
    client = get_client()
    anonymize = {
        Prefix.AUTHENTICATION: client.anonymize_authentication,
        Prefix.IDENTITY_VERIFICATION: client.anonymize_identity_verification,
        Prefix.APPLICANT: client.anonymize_applicant,
    }[Prefix(provider_id.partition("_")[0])]
    with suppress(NotFound), provider_rate_limit.honour_retry_after(now=now):
        anonymize(provider_id)


def _finish(erasure: Erasure, now: datetime) -> None:
    """End a request of which nothing is left, under its lock: two may end its last tasks."""
    row = Erasure.objects.select_for_update().get(pk=erasure.pk)
    if row.finished_at is None and not row.tasks.exclude(state=State.DONE).exists():
        row.finished_at = now
        row.save(update_fields=["finished_at"])
        logger.info("erasure finished erasure=%s", row.pk)
    erasure.finished_at = row.finished_at
