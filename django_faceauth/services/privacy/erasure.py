"""Having the provider forget, and forgetting what tells something about a person (V-07).

The wish is committed before the provider is asked, and outlives the account. Each
authentication is a task of its own, which is tried until the provider confirms it.
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
from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    Consent,
    Erasure,
    ErasureTask,
    FaceAuthentication,
    FaceChallenge,
    Verdict,
    WebhookEvent,
    database,
)
from django_faceauth.provider.factory import get_client
from django_faceauth.services import audit_log, unexpected_errors
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import polling_schedule, provider_rate_limit, sync

__all__ = ["request"]

logger = logging.getLogger(__name__)

State = ErasureTask.State

#: Tasks that one sweep takes on: each may wait for the provider for as long as a call may take.
BATCH: Final = 5
#: What was begun while its user was being forgotten is found within this time.
LATE: Final = timedelta(hours=1)

_DELETED: Final[tuple[type[Applicant] | type[AttemptRequest], ...]] = (AttemptRequest, Applicant)


@database.repeated
def request(
    user: AbstractBaseUser, *, reason: Erasure.Reason, by: AbstractBaseUser | None, now: datetime
) -> Erasure:
    """Forget what tells something about a user, and queue what the provider is to forget.

    `by` is who wished it, None for a command. The user cannot pass by their face any more, and
    is left to the fallback (V-08). Safe to repeat: returns the former wish when there is nothing
    new, or when it is not finished yet: then with what came since, and what the provider had
    refused is tried once more.
    """
    with database.atomic():
        _hold(user)
        former = _former(user)
        if former and former.finished_at and not _has_traces(user.pk):
            return former
        wish = former if former and not former.finished_at else _new(user, reason, now)
        queued = _queue(wish, user.pk, now)
        revocation.end_all(user.pk, reason="erased", now=now)
        _forget(user.pk)
        _finish(wish, now)
        audit_log.note("erased", by=by, about=wish, now=now, user=str(user.pk), queued=queued)
    return wish


@database.repeated
def queue(user: AbstractBaseUser, *, reason: Erasure.Reason, now: datetime) -> Erasure:
    """Queue what the provider is to forget of a user; what is held here stays as it is."""
    with database.atomic():
        _hold(user)
        former = _former(user)
        wish = former if former and not former.finished_at else _new(user, reason, now)
        _queue(wish, user.pk, now)
        _finish(wish, now)
    return wish


def is_needed(user: AbstractBaseUser) -> bool:
    """Tell whether there is anything about a user that `request` would be for."""
    kinds = (Applicant, FaceAuthentication, FaceChallenge, Consent)
    return any(kind._base_manager.filter(user_id=user.pk).exists() for kind in kinds)


def is_asked_for(provider_id: str) -> bool:
    """Tell whether the provider was, or is, to forget that authentication."""
    return ErasureTask.objects.filter(digest=digest_of(provider_id)).exists()


def advance(*, now: datetime, limit: int = BATCH, of: Erasure | None = None) -> int:
    """Have the provider forget what is due, of one erasure or of any; return how many it decided.

    Stops at the first trouble with the provider, which is logged; what is left is due again
    later, for ever. So is a task that failed for a reason of its own.
    """
    _queue_latecomers(now)
    tasks = of.tasks.all() if of else ErasureTask.objects.all()
    taken = _take(tasks, limit, now)
    decided = 0
    for pk in taken:
        try:
            if not _advance(pk, now):
                break
            decided += 1
        except unexpected_errors.AWAY:
            raise
        except Exception as error:
            unexpected_errors.note(error, f"task={pk}")
            _put_off(ErasureTask.objects.select_related("erasure").get(pk=pk), error, now)
    return decided


def anonymize(authentication: FaceAuthentication, *, now: datetime) -> None:
    """Have the personal data of an authentication removed at the provider, for good.

    Takes back what was granted on it. Raises a `ProviderError` or a `ConfigurationError`, also
    when the budget of the site is used up; an authentication that the provider does not know
    any more has nothing left to remove.
    """
    if authentication.erased_at is not None:
        return
    if not provider_rate_limit.try_acquire(now=now, someone_waits=True):
        raise Unavailable("anonymize_authentication", cause="asked too often", was_sent=False)
    _ask(authentication.provider_id or "", now)
    confirm(authentication.provider_id or "", now=now)


@database.repeated
def confirm(provider_id: str, *, now: datetime) -> None:
    """Remember that the provider has no personal data of that authentication any more."""
    with database.atomic():
        for row in FaceAuthentication.objects.filter(provider_id=provider_id):
            sync.erase(row, now=now)
        _settle(provider_id, now)


def digest_of(provider_id: str) -> str:
    """Return what stays of an id as a proof: who knows the id can tell that it was erased."""
    return hashlib.sha256(provider_id.encode()).hexdigest()


def _hold(user: AbstractBaseUser) -> None:
    """Let one at a time ask for a user, until the end of the transaction."""
    users = get_user_model()._base_manager.select_for_update()
    users.filter(pk=user.pk).first()


def _former(user: AbstractBaseUser) -> Erasure | None:
    return Erasure.objects.filter(who=str(user.pk)).order_by("-pk").first()


def _new(user: AbstractBaseUser, reason: Erasure.Reason, now: datetime) -> Erasure:
    return Erasure.objects.create(who=str(user.pk), reason=reason, requested_at=now)


def _has_traces(user_id: Any) -> bool:
    """Tell whether there is anything that an erasure would change."""
    named = FaceAuthentication.objects.filter(user_id=user_id).exclude(applicant_id="")
    asked = FaceChallenge.objects.filter(user_id=user_id).exclude(session_digest="")
    kept = (named, asked, *(kind.objects.filter(user_id=user_id) for kind in _DELETED))
    return any(rows.exists() for rows in kept)


def _queue(wish: Erasure, user_id: Any, now: datetime) -> int:
    """Make tasks due for all that the provider still holds; return how many."""
    held = FaceAuthentication.objects.filter(user_id=user_id, erased_at=None)
    for row in held.exclude(provider_id=None):
        _queue_one(wish, row, now)
    # Asked for once more: somebody has looked into it.
    wish.tasks.filter(state=State.REFUSED).update(state=State.DUE, due_at=now, error="")
    return wish.tasks.filter(state=State.DUE).count()


def _queue_one(wish: Erasure, row: FaceAuthentication, now: datetime) -> None:
    provider_id = row.provider_id or ""
    values = {"provider_id": provider_id, "environment": row.environment, "due_at": now}
    wish.tasks.get_or_create(digest=digest_of(provider_id), defaults=values)


def _forget(user_id: Any) -> None:
    ids = FaceAuthentication.objects.filter(user_id=user_id).exclude(provider_id=None)
    WebhookEvent.objects.filter(provider_id__in=ids.values("provider_id")).update(applicant_id="")
    FaceChallenge.objects.filter(user_id=user_id).update(
        session_digest="",
        snapshot={},
        snapshot_order=[],
        saved_form_data=None,
        next_url="",
        resume_url="",
        return_url="",
    )
    # Append-only for everybody else (L-03): who found what when stays, their words do not.
    Verdict._base_manager.filter(authentication__user_id=user_id).update(note="")
    for kind in _DELETED:
        kind.objects.filter(user_id=user_id).delete()
    sync.scrub(user_id)


def _queue_latecomers(now: datetime) -> None:
    """Queue what the provider made while its user was being forgotten: we had no id then."""
    scrubbed = FaceAuthentication.objects.filter(applicant_id="", erased_at=None)
    late = scrubbed.filter(created_at__gte=now - LATE).exclude(provider_id=None)
    for row in late:
        if not is_asked_for(row.provider_id or ""):
            with unexpected_errors.contained(f"authentication={row}"):
                _queue_late(row, now)


@database.repeated
def _queue_late(row: FaceAuthentication, now: datetime) -> None:
    with database.atomic():
        wishes = Erasure.objects.select_for_update().filter(who=str(row.user_id))
        wish = wishes.order_by("-pk").first()
        if wish is not None:
            _queue_one(wish, row, now)
            Erasure.objects.filter(pk=wish.pk).update(finished_at=None)


@database.repeated
def _take(tasks: QuerySet[ErasureTask], limit: int, now: datetime) -> tuple[int, ...]:
    """Take tasks that are due, the oldest first; nobody else does for a minute."""
    due = tasks.filter(due_at__lte=now, environment=conf.ENVIRONMENT).order_by("due_at", "pk")
    if provider_rate_limit.paused_until(now=now) or not due.exists():  # as nearly always
        return ()
    with database.atomic():
        taken = tuple(database.skip_locked(due).values_list("pk", flat=True)[:limit])
        ErasureTask.objects.filter(pk__in=taken).update(due_at=now + polling_schedule.LEASE)
    return taken


def _advance(pk: int, now: datetime) -> bool:
    """Have the provider forget one; return whether it gave an answer to that."""
    task = ErasureTask.objects.select_related("erasure").filter(pk=pk, state=State.DUE).first()
    if task is None:  # a webhook was quicker
        return True
    if not provider_rate_limit.try_acquire(now=now, someone_waits=False):
        _try_again(task, now + polling_schedule.jittered(polling_schedule.TURN))
        return False
    try:
        _ask(task.provider_id, now)
    except Rejected as error:
        _refuse(task, error)
        return True
    except (ProviderError, ConfigurationError) as error:
        logger.warning("erasure failed: %s task=%s", error, task.pk)
        _put_off(task, error, now)
        return False
    confirm(task.provider_id, now=now)
    return True


def _ask(provider_id: str, now: datetime) -> None:
    with suppress(NotFound), provider_rate_limit.honour_retry_after(now=now):
        get_client().anonymize_authentication(provider_id)


def _put_off(task: ErasureTask, error: Exception, now: datetime) -> None:
    pause = polling_schedule.pause_after(now - task.erasure.requested_at)
    _try_again(
        task,
        now + polling_schedule.jittered(pause),
        tried=1,
        error=unexpected_errors.cause_of(error),
    )


def _try_again(task: ErasureTask, due_at: datetime, *, tried: int = 0, error: str = "") -> None:
    rows = ErasureTask.objects.filter(pk=task.pk, state=State.DUE)
    rows.update(due_at=due_at, tries=F("tries") + tried, error=error or task.error)


def _refuse(task: ErasureTask, error: Rejected) -> None:
    logger.error("erasure refused, somebody must look: %s task=%s", error, task.pk)
    ErasureTask.objects.filter(pk=task.pk, state=State.DUE).update(
        state=State.REFUSED, due_at=None, tries=F("tries") + 1, error=type(error).__name__
    )


def _settle(provider_id: str, now: datetime) -> None:
    """End the tasks of an authentication that the provider has forgotten."""
    with database.atomic():
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


def _finish(wish: Erasure, now: datetime) -> None:
    """End a wish of which nothing is left to do, under its lock: two may end its last tasks."""
    with database.atomic():
        row = Erasure.objects.select_for_update().get(pk=wish.pk)
        if row.finished_at is None and not row.tasks.exclude(state=State.DONE).exists():
            row.finished_at = now
            row.save(update_fields=["finished_at"])
            logger.info("erasure finished erasure=%s", row.pk)
    wish.finished_at = row.finished_at
