"""From the question to the answer: begin an attempt, and finish a challenge."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    ConfigurationError,
    Conflict,
    MalformedAnswer,
    NotFound,
    ProviderError,
    TooManyAttempts,
)
from django_faceauth.models import Applicant, FaceAuthentication, FaceChallenge, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.leases import has_run_out
from django_faceauth.provider.addresses import is_capture_url
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.snapshots import AttemptSnapshot
from django_faceauth.services import (
    attempts,
    consent,
    enrolment,
    grants,
    limits,
    links,
    schedule,
    settlement,
    sync,
    turns,
)
from django_faceauth.services.links import HandOff
from django_faceauth.services.sync import Pulled
from django_faceauth.statuses import (
    AFTER_CAPTURE,
    AT_REST,
    UNDER_WAY,
    AttemptStatus,
    AuthenticationStatus,
)

logger = logging.getLogger(__name__)

State = FaceChallenge.State
Source = StatusChange.Source

#: How long a capture page can be opened (the provider's documentation, "attempt statuses").
LINK_LIFE: Final = timedelta(minutes=15)

#: What nobody who waits can do anything about.
TROUBLES: Final = (ProviderError, ConfigurationError)

#: What is held meanwhile keeps others waiting, on SQLite everybody, and is lost in a crash.
ADVICE: Final = "leave the addresses of django_faceauth out of the middleware that opens it"

#: A start that has not ended by now died: longer than all the calls of one together.
CLAIM: Final = timedelta(seconds=120)


class Word(StrEnum):
    """What can be said of a challenge: its states, and that a new attempt is needed."""

    OPEN = "open"
    RETRY = "retry"
    GRANTED = "granted"
    CONSUMED = "consumed"
    REVOKED = "revoked"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"


def begin(
    challenge: FaceChallenge,
    *,
    redirect_url: str,
    now: datetime,
    return_url: str = "",
    agreed_to: str = "",
) -> HandOff | None:
    """Create or reuse an attempt for an open challenge.

    The provider sends the browser to `redirect_url`, which is ours, and that to `return_url`
    if a program has named one. `agreed_to` is the version of the text that the user agrees
    to with this request. The provider is called at most once in two seconds for a challenge;
    who presses again meanwhile is given the same link. Returns None when there is nothing to
    hand over: another request is at it, the provider was asked a moment ago, faces are being
    compared, or the provider takes no attempt any more. Raises `NotEnrolled`, `ConsentRequired`,
    `TooManyAttempts`, a `ProviderError` or a `ConfigurationError`.
    """
    applicant = enrolment.applicant_of(challenge.user)
    consent.require(challenge.user, said=agreed_to, now=now)
    get_client()  # raises, if it does, before anything is written
    if database.is_surrounded():
        logger.error("the provider is called inside of a transaction of the site: %s", ADVICE)
    if not _claim(challenge, return_url, now):
        return _link_of(challenge, now)
    try:
        step = _hand_off(challenge, applicant, redirect_url, now)
    except TROUBLES as error:
        _let_repeat(challenge, error, now)
        raise
    finally:
        _release(challenge, now)
    # Whoever has withdrawn it meanwhile is shown no camera page any more (V-03).
    consent.require(challenge.user, now=now)
    return step


def closed_until(challenge: FaceChallenge, *, now: datetime) -> TooManyAttempts | None:
    """Say why `begin` would be refused; None when a link may be handed out again, or bought."""
    if attempts.may_have_link(challenge, now=now):
        return None
    return limits.closed_until(challenge, now=now)


def note_return(challenge: FaceChallenge, *, now: datetime) -> None:
    """Note that the user has come back from the capture page, whatever happened there."""
    if challenge.is_open and challenge.started_at is not None:
        challenge.returned_at = now
        challenge.save(update_fields=["returned_at"])


def finish(challenge: FaceChallenge, *, source: str, now: datetime) -> FaceChallenge:
    """Ask the provider for somebody who waits, and end the challenge if it says so.

    Asks when the browser has come back, else when it is time to. Returns the challenge as
    it is then. Raises a `ProviderError` when the provider gave no usable answer, or a
    `ConfigurationError`; the challenge has not changed then.
    """
    authentication = challenge.authentication
    is_awaited = challenge.is_open and challenge.started_at is not None
    if not is_awaited or authentication is None:
        return challenge
    if source == Source.POLL and not is_due(authentication, now=now):
        return challenge
    with suppress(NotFound):  # the challenge has ended then
        refresh(authentication, source=source, now=now, someone_waits=True)
    return FaceChallenge.objects.select_related("authentication", "user").get(pk=challenge.pk)


def look(
    challenge: FaceChallenge, *, source: str, now: datetime
) -> tuple[FaceChallenge, Exception | None]:
    """Do what `finish` does, for somebody who only wants to know; return what it raised."""
    try:
        return finish(challenge, source=source, now=now), None
    except TROUBLES as error:
        logger.warning("pull failed: %s challenge=%s", error, challenge.pk)
        return challenge, error


def refresh(
    authentication: FaceAuthentication, *, source: str, now: datetime, someone_waits: bool = False
) -> Pulled | None:
    """Ask the provider about an authentication, and end the challenge that waits for it.

    Returns and raises what `sync.pull` does.
    """
    try:
        pulled = sync.pull(authentication, source=source, now=now, someone_waits=someone_waits)
    except NotFound:
        for challenge in settlement.questions_of(authentication):
            settlement.close(challenge, State.FAILED, "unknown_to_provider")
        raise
    if pulled is None:
        return None
    act_on(pulled, now=now)
    return pulled


def act_on(pulled: Pulled, *, now: datetime) -> None:
    """Do what follows from an answer of the provider, now that it is written down.

    Raises what `sync.pull_attempts` does.
    """
    row = pulled.row
    if row.status == AuthenticationStatus.APPROVED:
        limits.note_approval(row)  # first: a crash after the grant would end all further looks
    for challenge in settlement.questions_of(row):
        settlement.settle(challenge, pulled, now)
    if row.status == AuthenticationStatus.DECLINED:  # whether or not anybody waited
        limits.note_decline(row.user_id, now=now)
    if row.status in AT_REST:  # else the next question is planned already
        sync.plan(row, _next_question(row, now))


def is_due(authentication: FaceAuthentication, *, now: datetime) -> bool:
    """Tell whether it is time to ask about an authentication without being told to."""
    return authentication.next_poll_at is not None and authentication.next_poll_at <= now


def is_unsettled(authentication: FaceAuthentication) -> bool:
    """Tell whether a result is held that a challenge still waits for."""
    has_result = authentication.status in {AuthenticationStatus.APPROVED, *settlement.ENDS}
    return has_result and settlement.questions_of(authentication).exists()


def is_under_way(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Tell whether an attempt was asked for, or is being asked for right now."""
    claimed_at = challenge.claimed_at
    return challenge.started_at is not None or (claimed_at is not None and now - claimed_at < CLAIM)


def word_for(challenge: FaceChallenge, *, now: datetime) -> Word:
    """Say where a challenge stands."""
    if challenge.is_open and _needs_attempt(challenge, now):
        return Word.RETRY
    return Word(challenge.state)


# -- begin


def _claim(challenge: FaceChallenge, return_url: str, now: datetime) -> bool:
    """Let one request at a time start; a double click or a second tab comes second."""
    free = grants.of_client(challenge).filter(
        has_run_out("claimed_at", lease=CLAIM, now=now), state=State.OPEN
    )
    handle = grants.handle_columns(challenge)
    return free.update(claimed_at=now, return_url=return_url, **handle) == 1


def _release(challenge: FaceChallenge, claimed_at: datetime) -> None:
    # Only our own claim: one that ran out may be somebody else's by now.
    ours = FaceChallenge.objects.filter(pk=challenge.pk, claimed_at=claimed_at)
    ours.update(claimed_at=None)


def _hand_off(  # noqa: C901 - a start, told from top to bottom
    challenge: FaceChallenge, applicant: Applicant, redirect_url: str, now: datetime
) -> HandOff | None:
    challenge.refresh_from_db(fields=["authentication", "started_at", "called_at"])
    authentication = attempts.held(challenge, applicant)
    attempt = None
    # What is not held any more, because settings or people changed, is no reason to wait.
    if authentication == challenge.authentication and _was_called(challenge, now):
        return _link_of(challenge, now)
    if challenge.started_at is not None and _is_comparing(authentication):
        return None
    try:
        if authentication is not None and _needs_look(challenge, authentication):
            _note_call(challenge, now)
            has_looked, attempt = attempts.newest_attempt(authentication, now=now)
            if not has_looked:
                return _link_of(challenge, now)
            if attempt is not None and attempt.status == AttemptStatus.CHECKS_IN_PROGRESS:
                sync.expect(authentication, by=now, now=now)  # the waiting page finds out at once
                turns.end_look(authentication)
                return None
        if attempt is not None and attempts.can_be_opened(attempt, challenge, now=now):
            sync.saw_unopened(attempt, now=now)
        else:
            with limits.counted(challenge, now=now):  # before anything is made
                _note_call(challenge, now)
                authentication = attempts.authentication_for(challenge, applicant, now=now)
                attempt = attempts.new_attempt(
                    challenge, authentication, redirect_url=redirect_url, now=now
                )
            _end_call(challenge, now)  # what is bought is limited: it may be looked at at once
    except (Conflict, NotFound) as error:
        if authentication is None:  # it was not made
            raise
        _gone_on(challenge, authentication, error, now)
        return None
    _require_capture_url(challenge, attempt)
    logger.info("start challenge=%s", challenge.pk)
    made = clocks.given(attempt.created_on, now=now) or now
    link = HandOff(attempt.capture_url, min(made, now) + LINK_LIFE)
    links.remember(challenge.handle, link)
    return link


def _is_comparing(authentication: FaceAuthentication | None) -> bool:
    """Tell whether a face was shown, so that the provider takes no attempt until it is done."""
    status = authentication.status if authentication is not None else ""
    return status == AuthenticationStatus.CHECKS_IN_PROGRESS


def _needs_look(challenge: FaceChallenge, authentication: FaceAuthentication) -> bool:
    """Tell whether an attempt of an earlier press may be there, which is not bought again."""
    return challenge.started_at is not None and not attempts.has_none_under_way(authentication)


def _was_called(challenge: FaceChallenge, now: datetime) -> bool:
    called_at = challenge.called_at
    return called_at is not None and abs(now - called_at) < schedule.PULL_INTERVAL


def _let_repeat(challenge: FaceChallenge, error: Exception, now: datetime) -> None:
    """Let a start that failed be repeated at once: what counts is limited, what does not, once."""
    before = challenge.called_at  # of the start before this one
    is_free = isinstance(error, ProviderError) and attempts.made_nothing(error)
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    if is_free:  # nothing was started, so there is nothing to look for
        asked.update(started_at=challenge.started_at)
    if is_free and before is not None and abs(now - before) < 2 * schedule.PULL_INTERVAL:
        return
    asked.update(called_at=now - schedule.PULL_INTERVAL)


def _end_call(challenge: FaceChallenge, now: datetime) -> None:
    _note_call(challenge, now - schedule.PULL_INTERVAL)


def _note_call(challenge: FaceChallenge, now: datetime) -> None:
    FaceChallenge.objects.filter(pk=challenge.pk).update(called_at=now)


def _link_of(challenge: FaceChallenge, now: datetime) -> HandOff | None:
    """Return the link that was handed out for a challenge, as long as nothing else is known."""
    challenge.refresh_from_db(fields=["authentication", "started_at"])
    authentication = challenge.authentication
    if authentication is None or not attempts.may_have_link(challenge, now=now):
        return None
    if not attempts.is_unopened(authentication):
        return None
    return links.remembered(challenge.handle, now=now)


def _gone_on(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    error: Conflict | NotFound,
    now: datetime,
) -> None:
    """Act upon an authentication that is not what we hold it for."""
    if isinstance(error, NotFound):
        settlement.close(challenge, State.FAILED, "unknown_to_provider")
    else:  # on another device: the waiting page is to find out
        sync.expect(authentication, by=now, now=now)


def _require_capture_url(challenge: FaceChallenge, attempt: AttemptSnapshot) -> None:
    if is_capture_url(attempt.capture_url, hosts=conf.CAPTURE_HOSTS, debug=settings.DEBUG):
        return
    logger.error("capture host not allowed challenge=%s", challenge.pk)
    raise MalformedAnswer("create_attempt", cause="capture host not allowed")


# -- refresh


def _next_question(row: FaceAuthentication, now: datetime) -> datetime | None:
    """Return when to ask again, now that the news has been acted upon."""
    if row.status == AuthenticationStatus.APPROVED and settlement.questions_of(row).exists():
        return schedule.again(row, now=now)  # the evidence was not complete
    return schedule.next_poll(row, now=now)


def _needs_attempt(challenge: FaceChallenge, now: datetime) -> bool:
    authentication, started_at = challenge.authentication, challenge.started_at
    if authentication is None or started_at is None:
        return False
    if authentication.status == AuthenticationStatus.RETRY_REQUIRED:
        # What was known before the newest attempt is not about it.
        newest = authentication.attempts.first()
        return newest is None or newest.status not in UNDER_WAY
    return authentication.status not in AFTER_CAPTURE and now - started_at > conf.CAPTURE_WINDOW
