"""End a challenge by the result of its authentication."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django_faceauth import clocks
from django_faceauth.conf import DENY, IGNORE, conf
from django_faceauth.exceptions import ConfigurationError, FlowMismatch, NotFound, ProviderError
from django_faceauth.models import (
    Applicant,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    IdentityVerification,
    ReviewCase,
    WebhookEvent,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.challenge import FaceChallengeQuerySet
from django_faceauth.provider.webhook_payloads import CAPTURE_COMPLETED, EARLY_TYPES
from django_faceauth.services import limits, review_queue
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.flow.capture import carries
from django_faceauth.services.grants import grants
from django_faceauth.services.sync import polling_schedule, sync
from django_faceauth.services.sync.sync import Pulled
from django_faceauth.signals import challenge_refused
from django_faceauth.statuses import (
    AFTER_CAPTURE,
    AT_REST,
    BEFORE_CAPTURE,
    UNDER_WAY,
    AttemptStatus,
    AuthenticationStatus,
)

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AttemptSnapshot

logger = logging.getLogger(__name__)

State = FaceChallenge.State
Source = StatusChange.Source

#: Errors of the provider and of the set-up, which a waiting user can do nothing about.
TROUBLES: Final = (ProviderError, ConfigurationError)

#: How a challenge ends after a negative result.
ENDS: Final[Mapping[str, FaceChallenge.State]] = {
    AuthenticationStatus.DECLINED: State.FAILED,
    AuthenticationStatus.INCONCLUSIVE: State.FAILED,
    AuthenticationStatus.REFUSED: State.REFUSED,
}


def note_return(challenge: FaceChallenge, *, now: datetime) -> None:
    """Note that the user has come back from the capture page, whatever happened there."""
    if challenge.is_open and challenge.started_at is not None:
        challenge.returned_at = now
        challenge.save(update_fields=["returned_at"])


def finish(challenge: FaceChallenge, *, source: str, now: datetime) -> FaceChallenge:
    """Pull the result for a waiting user and end the challenge if there is one.

    Asks when the browser has come back, otherwise when the next poll is due. If webhooks have
    told of the check since the last answer, the result should come by one too: a return is asked
    about two seconds later. Asks nothing while the faces are known to be compared. Returns the
    challenge as it is then. Raises a `ProviderError` when the provider gave no usable answer, or
    a `ConfigurationError`; the challenge has not changed then.
    """
    row = challenge.authentication
    if not challenge.is_open or challenge.started_at is None or row is None:
        return challenge
    if source == Source.POLL and not _is_due(challenge, row, now):
        return challenge
    if row.next_poll_at and now < row.next_poll_at <= now + polling_schedule.PULL_INTERVAL:
        attempt = row.attempts.first()
        if attempt and capture_bounds(attempt, now=now)[1] < now:  # the faces are being compared
            return challenge
    if source == Source.RETURN and row.synced_at is not None:
        if is_ready_for_retry(row):  # an event was faster than the user
            return challenge
        told = WebhookEvent.objects.filter(type__in=EARLY_TYPES, received_at__gt=row.synced_at)
        if told.filter(provider_id=row.provider_id).exists():  # the result's should come as well
            sync.plan(row, now + polling_schedule.PULL_INTERVAL)
            return challenge
    with suppress(NotFound):  # the challenge has ended then
        pulled = refresh(row, source=source, now=now, someone_waits=True)
        if pulled is None and source == Source.RETURN:
            # Asked a moment ago, before what the user has come back from.
            sync.plan(row, now + polling_schedule.PULL_INTERVAL)
    return FaceChallenge.objects.select_related("authentication", "user").get(pk=challenge.pk)


def _is_due(challenge: FaceChallenge, row: FaceAuthentication, now: datetime) -> bool:
    due_at = row.next_poll_at
    if due_at is None:
        return False
    if challenge.returned_at is not None:
        # Early events put the poll off, also those that arrive after the user has returned.
        told_by = challenge.returned_at + polling_schedule.PULL_INTERVAL
        if row.pulled_at is None or row.pulled_at < told_by:
            due_at = min(due_at, told_by)
    return due_at <= now


def look(
    challenge: FaceChallenge, *, source: str, now: datetime
) -> tuple[FaceChallenge, Exception | None]:
    """Do what `finish` does; return the error instead of raising it."""
    try:
        return finish(challenge, source=source, now=now), None
    except TROUBLES as error:
        logger.warning("pull failed: %s challenge=%s", error, challenge.pk)
        return challenge, error


def refresh(
    resource: FaceAuthentication | IdentityVerification,
    *,
    source: str,
    now: datetime,
    someone_waits: bool = False,
) -> Pulled | None:
    """Pull a resource and end the challenge that waits for it.

    Returns and raises what `sync.pull` does.
    """
    try:
        pulled = sync.pull(resource, source=source, now=now, someone_waits=someone_waits)
    except NotFound:
        if isinstance(resource, FaceAuthentication):
            for challenge in waiting_challenges(resource):
                close(challenge, State.FAILED, "unknown_to_provider")
        raise
    if pulled is None:
        return None
    if isinstance(pulled.row, FaceAuthentication):
        resolve(pulled, now=now)
    elif pulled.row.outcome == IdentityVerification.Outcome.LINKED:
        limits.note_approval(pulled.row)
    return pulled


def resolve(pulled: Pulled, *, now: datetime) -> None:
    """Act on an answer of the provider that has been written to the row.

    Raises what `sync.pull_attempts` does.
    """
    row = pulled.row
    is_approved = row.status == AuthenticationStatus.APPROVED
    if is_approved:
        limits.note_approval(row)  # first: a crash after the grant would end all further polls
    waiting = waiting_challenges(row)
    if row.status in BEFORE_CAPTURE:
        waiting = waiting.none()  # there is nothing to tell them
    for challenge in waiting:
        if is_approved and pulled.snapshot.status == row.status:
            _approve(challenge, pulled, now)
        elif row.status in ENDS:
            close(challenge, ENDS[row.status], row.status)
        elif row.status in AFTER_CAPTURE:
            attempt = row.attempts.first()
            # An approval that came now would already be stale.
            if attempt and now - capture_bounds(attempt, now=now)[0] >= challenge.age_limit:
                close(challenge, State.EXPIRED, "too_late")
    if row.status == AuthenticationStatus.DECLINED:  # whether or not a challenge waited
        limits.note_decline(row.user_id, now=now)
    if row.status in AT_REST:  # otherwise the next poll is planned already
        if is_approved and waiting_challenges(row).exists():  # the attempt was not complete
            sync.plan(row, polling_schedule.again(row, now=now))
        else:
            sync.plan(row, polling_schedule.next_poll(row, now=now))


def waiting_challenges(authentication: FaceAuthentication) -> FaceChallengeQuerySet:
    """Return the challenge, if any, that still waits for this authentication."""
    challenges = FaceChallenge.objects.filter(authentication_id=authentication.pk)
    return challenges.filter(state=State.OPEN, started_at__isnull=False)


def is_unsettled(authentication: FaceAuthentication) -> bool:
    """Return whether a challenge still waits although the row has a result."""
    has_result = authentication.status in {AuthenticationStatus.APPROVED, *ENDS}
    return has_result and waiting_challenges(authentication).exists()


def is_ready_for_retry(authentication: FaceAuthentication) -> bool:
    """Return, without a call, whether the provider waits for nothing but a new attempt."""
    newest = authentication.attempts.first()
    return (
        authentication.status == AuthenticationStatus.RETRY_REQUIRED
        and not sync.has_stale_attempts(authentication)
        and (newest is None or newest.status not in UNDER_WAY)
    )


def close(challenge: FaceChallenge, state: FaceChallenge.State, reason: str, **values: Any) -> bool:
    """End a challenge if it is still open; return whether it was, send the signal of a refusal."""
    rows = FaceChallenge.objects.filter(pk=challenge.pk)
    closed = rows.close(state, reason=reason, **values) == 1
    if closed and state in {State.FAILED, State.REFUSED}:
        send_on_commit(challenge_refused, sender=FaceChallenge, challenge=rows.get(), reason=reason)
    return closed


def _approve(challenge: FaceChallenge, pulled: Pulled, now: datetime) -> None:
    attempts = pulled.attempts
    if attempts is None:
        attempts = sync.pull_attempts(pulled.row, now=now)
    try:
        anchor = verify_approval(challenge, pulled, attempts, now=now)
    except FlowMismatch as mismatch:
        logger.error("approval refused: %s challenge=%s", mismatch, challenge.pk)
        close(challenge, State.FAILED, "mismatch")
        return
    if anchor is None:
        close(challenge, State.EXPIRED, "too_late")
    elif attempts[0].status == AttemptStatus.COMPLETED:  # otherwise it is completed soon
        # A network that is not known is another one.
        captured_in = {attempts[0].network, *attempts[0].former_networks} - {""}
        is_same = challenge.network in captured_in
        _grant(challenge, pulled.row, anchor, is_same, now)


@database.repeated
def _grant(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    anchor: datetime,
    is_same_network: bool,
    now: datetime,
) -> None:
    with database.atomic():
        # Locked, so that a later decline comes wholly before or wholly after.
        row = sync.locked(authentication)
        if row.status != AuthenticationStatus.APPROVED or row.erased_at is not None:
            return
        facts = {"is_same_network": is_same_network}
        if is_same_network or challenge.network_policy != DENY:
            has_ended = grants.issue(challenge, verified_at=anchor, now=now, **facts)
        else:
            has_ended = close(challenge, State.FAILED, "network", **facts)
        if has_ended and not is_same_network and challenge.network_policy != IGNORE:
            policy = challenge.network_policy
            logger.warning("captured in another network challenge=%s %s", challenge.pk, policy)
            review_queue.raise_case(row, ReviewCase.Reason.RELAY, now=now)


def verify_approval(
    challenge: FaceChallenge, pulled: Pulled, attempts: Sequence[AttemptSnapshot], *, now: datetime
) -> datetime | None:
    """Return the latest moment before which the face was certainly not captured (the anchor).

    Returns None when the capture was outside of its window, or is no longer fresh. Raises
    `FlowMismatch` when the answer is not about what we asked for, or about what holds today.
    """
    row, snapshot = pulled.row, pulled.snapshot
    applicant = Applicant.objects.usable(now=now).filter(user_id=challenge.user_id).first()
    facts = {
        "authentication": snapshot.id == row.provider_id,
        "user": row.user_id == challenge.user_id,
        "applicant": applicant is not None
        and snapshot.applicant_id == row.applicant_id == applicant.applicant_id,
        "journey": snapshot.user_journey_id == row.user_journey_id == conf.USER_JOURNEY_ID,
        "environment": row.environment == conf.ENVIRONMENT,
    }
    wrong = [name for name, holds in facts.items() if not holds]
    if wrong:
        raise FlowMismatch(f"another {', '.join(wrong)}")
    # The newest attempt is the approved one, since none is made after a capture.
    if not attempts or not carries(attempts[0].redirect_url, challenge.handle):
        raise FlowMismatch("no attempt of this challenge")
    attempt = row.attempts.get(provider_id=attempts[0].id)
    if attempt.created_on is not None and clocks.is_ahead(attempt.created_on, now=now):
        raise FlowMismatch("the provider's clock is ahead")
    if clocks.is_ahead(attempt.capture_not_before, now=now):
        raise FlowMismatch("the clock of one of our servers is ahead")
    anchor, captured_by = capture_bounds(attempt, now=now)
    in_window = captured_by <= attempt.created_at + conf.CAPTURE_WINDOW
    return anchor if in_window and now - anchor < challenge.age_limit else None


def capture_bounds(attempt: FaceAttempt, *, now: datetime) -> tuple[datetime, datetime]:
    """Return two moments between which the face was captured, as far as we can prove.

    They are those of our polls, narrowed by the earliest signed event of a capture. Events name
    the authentication alone: what happened before this attempt was created belongs to another.
    """
    not_before, not_after = min(attempt.capture_not_before, now), attempt.capture_not_after or now
    provider_id, created_on = attempt.authentication.provider_id, attempt.created_on
    events = WebhookEvent.objects.filter(type=CAPTURE_COMPLETED, provider_id=provider_id)
    for event in events.filter(created_on__gte=created_on or clocks.LATEST).order_by("created_on"):
        # Compared once more here: some databases take "fav_A" for "fav_a".
        if event.provider_id != provider_id or not (created_on and event.created_on):
            continue
        duration = event.created_on - created_on  # by one clock, whatever that says
        captured_at = min(created_on, attempt.created_at) + duration
        known_at = min(event.received_at, not_after)
        if not clocks.is_ahead(captured_at, now=known_at):
            not_before = max(not_before, min(captured_at, known_at))
            return not_before, min(not_after, attempt.created_at + duration)
    return not_before, not_after


def expect_news(row: FaceAuthentication, event: WebhookEvent) -> None:
    """Put the next poll off, since an event of the result should come as this one did."""
    is_news = event.created_on and row.modified_on and event.created_on >= row.modified_on
    if row.next_poll_at is None or row.status in AFTER_CAPTURE or not is_news:
        return
    later = WebhookEvent.objects.filter(created_on__gt=event.created_on)
    if later.filter(provider_id=event.provider_id).exists():  # this one was overtaken
        return
    if event.type == CAPTURE_COMPLETED:
        sync.plan(row, event.received_at + polling_schedule.PULL_INTERVAL)
    else:
        sync.plan(row, max(row.next_poll_at, event.received_at + polling_schedule.BRISK[1]))
