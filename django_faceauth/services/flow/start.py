"""Create an attempt, or return the link of one that can still be opened.

No call is made inside a transaction: what must be remembered before a call is committed
before it, so that a crash or a timeout leaves a pending creation to pick up, never an attempt
that is not known here (D-06).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
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
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, FaceAuthentication, FaceChallenge, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.leases import lock_expired
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AttemptSnapshot
from django_faceauth.provider.url_validation import is_capture_url
from django_faceauth.services import limits
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.flow import capture_links
from django_faceauth.services.flow.capture_links import HandOff
from django_faceauth.services.flow.finish import TROUBLES, carries, close
from django_faceauth.services.flow.progress import CLAIM
from django_faceauth.services.grants import grants
from django_faceauth.services.privacy import consent
from django_faceauth.services.sync import poll_lock, polling_schedule, provider_rate_limit, sync
from django_faceauth.services.sync.polling_schedule import MOST_POLLS, PULL_INTERVAL, PULL_TIMEOUT
from django_faceauth.statuses import (
    BEFORE_CAPTURE,
    UNDER_WAY,
    AttemptStatus,
    AuthenticationStatus,
)

logger = logging.getLogger(__name__)

State = FaceChallenge.State

#: How long a capture page can be opened (the provider's documentation, "attempt statuses").
LINK_LIFE: Final = timedelta(minutes=15)
#: A capture link is handed out again while it is this young (it lives 15 minutes; D-08).
LINK_REUSE: Final = timedelta(minutes=8)

#: What is held meanwhile keeps others waiting, on SQLite everybody, and is lost in a crash.
ADVICE: Final = "leave the addresses of django_faceauth out of the middleware that opens it"


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
    applicant = applicants.applicant_of(challenge.user)
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
    if may_have_link(challenge, now=now):
        return None
    return limits.closed_until(challenge, now=now)


def _claim(challenge: FaceChallenge, return_url: str, now: datetime) -> bool:
    """Let one request at a time start; a double click or a second tab comes second."""
    free = grants.of_client(challenge).filter(
        lock_expired("start_locked_at", lease=CLAIM, now=now), state=State.OPEN
    )
    handle = grants.handle_columns(challenge)
    return free.update(start_locked_at=now, return_url=return_url, **handle) == 1


def _release(challenge: FaceChallenge, start_locked_at: datetime) -> None:
    # Only our own claim: one that ran out may be somebody else's by now.
    ours = FaceChallenge.objects.filter(pk=challenge.pk, start_locked_at=start_locked_at)
    ours.update(start_locked_at=None)


def _hand_off(
    challenge: FaceChallenge, applicant: Applicant, redirect_url: str, now: datetime
) -> HandOff | None:
    challenge.refresh_from_db(fields=["authentication", "started_at", "called_at"])
    authentication = held(challenge, applicant)
    attempt = None
    # What is not held any more, because settings or people changed, is no reason to wait.
    if authentication == challenge.authentication and _was_called(challenge, now):
        return _link_of(challenge, now)
    if challenge.started_at is not None and _is_comparing(authentication):
        return None
    try:
        if authentication is not None and _needs_look(challenge, authentication):
            _note_call(challenge, now)
            has_looked, attempt = newest_attempt(authentication, now=now)
            if not has_looked:
                return _link_of(challenge, now)
            if attempt is not None and attempt.status == AttemptStatus.CHECKS_IN_PROGRESS:
                sync.expect(authentication, by=now, now=now)  # the waiting page finds out at once
                poll_lock.end_look(authentication)
                return None
        if attempt is not None and can_be_opened(attempt, challenge, now=now):
            sync.saw_unopened(attempt, now=now)
        else:
            with limits.counted(challenge, now=now):  # before anything is made
                _note_call(challenge, now)
                authentication = authentication_for(challenge, applicant, now=now)
                attempt = new_attempt(challenge, authentication, redirect_url=redirect_url, now=now)
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
    capture_links.remember(challenge.handle, link)
    return link


def _is_comparing(authentication: FaceAuthentication | None) -> bool:
    """Tell whether a face was shown, so that the provider takes no attempt until it is done."""
    status = authentication.status if authentication is not None else ""
    return status == AuthenticationStatus.CHECKS_IN_PROGRESS


def _needs_look(challenge: FaceChallenge, authentication: FaceAuthentication) -> bool:
    """Tell whether an attempt of an earlier press may be there, which is not bought again."""
    return challenge.started_at is not None and not has_none_under_way(authentication)


def _was_called(challenge: FaceChallenge, now: datetime) -> bool:
    called_at = challenge.called_at
    return called_at is not None and abs(now - called_at) < polling_schedule.PULL_INTERVAL


def _let_repeat(challenge: FaceChallenge, error: Exception, now: datetime) -> None:
    """Let a start that failed be repeated at once: what counts is limited, what does not, once."""
    before = challenge.called_at  # of the start before this one
    is_free = isinstance(error, ProviderError) and limits.made_nothing(error)
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    if is_free:  # nothing was started, so there is nothing to look for
        asked.update(started_at=challenge.started_at)
    if is_free and before is not None and abs(now - before) < 2 * polling_schedule.PULL_INTERVAL:
        return
    asked.update(called_at=now - polling_schedule.PULL_INTERVAL)


def _end_call(challenge: FaceChallenge, now: datetime) -> None:
    _note_call(challenge, now - polling_schedule.PULL_INTERVAL)


def _note_call(challenge: FaceChallenge, now: datetime) -> None:
    FaceChallenge.objects.filter(pk=challenge.pk).update(called_at=now)


def _link_of(challenge: FaceChallenge, now: datetime) -> HandOff | None:
    """Return the link that was handed out for a challenge, as long as nothing else is known."""
    challenge.refresh_from_db(fields=["authentication", "started_at"])
    authentication = challenge.authentication
    if authentication is None or not may_have_link(challenge, now=now):
        return None
    if not is_unopened(authentication):
        return None
    return capture_links.remembered(challenge.handle, now=now)


def _gone_on(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    error: Conflict | NotFound,
    now: datetime,
) -> None:
    """Act upon an authentication that is not what we hold it for."""
    if isinstance(error, NotFound):
        close(challenge, State.FAILED, "unknown_to_provider")
    else:  # on another device: the waiting page is to find out
        sync.expect(authentication, by=now, now=now)


def _require_capture_url(challenge: FaceChallenge, attempt: AttemptSnapshot) -> None:
    if is_capture_url(attempt.capture_url, hosts=conf.CAPTURE_HOSTS, debug=settings.DEBUG):
        return
    logger.error("capture host not allowed challenge=%s", challenge.pk)
    raise MalformedAnswer("create_attempt", cause="capture host not allowed")


# -- the authentication of a challenge, and its attempts


def authentication_for(
    challenge: FaceChallenge, applicant: Applicant, *, now: datetime
) -> FaceAuthentication:
    """Return the authentication that a challenge asks for, made at the provider if need be."""
    row = challenge.authentication
    if row is None or not _still_holds(row, applicant):
        row = _intend(challenge, applicant)
    if row.provider_id:
        return row
    return _create(row, now)


def held(challenge: FaceChallenge, applicant: Applicant) -> FaceAuthentication | None:
    """Return what `authentication_for` would return without asking the provider, if anything."""
    row = challenge.authentication
    is_held = row is not None and row.provider_id and _still_holds(row, applicant)
    return row if is_held else None


def _still_holds(row: FaceAuthentication, applicant: Applicant) -> bool:
    """Tell whether a row asks what would be asked today; people and settings may change."""
    asked = (row.applicant_id, row.user_journey_id, row.environment)
    asks_today = asked == (applicant.applicant_id, _journey(), conf.ENVIRONMENT)
    # One that was asked about too often could not be followed to its end.
    return asks_today and row.erased_at is None and row.poll_count < MOST_POLLS


def _journey() -> str:
    if not is_id(conf.USER_JOURNEY_ID, Prefix.USER_JOURNEY):
        raise ConfigurationError("FACEAUTH_USER_JOURNEY_ID is not the id of a user journey.")
    return conf.USER_JOURNEY_ID


@database.repeated
def _intend(challenge: FaceChallenge, applicant: Applicant) -> FaceAuthentication:
    with database.atomic():
        row = FaceAuthentication.objects.create(
            user_id=challenge.user_id,
            applicant_id=applicant.applicant_id,
            user_journey_id=_journey(),
            environment=conf.ENVIRONMENT,
        )
        challenge.authentication, challenge.started_at = row, None
        challenge.save(update_fields=["authentication", "started_at"])
    return row


def _create(intent: FaceAuthentication, now: datetime) -> FaceAuthentication:
    try:
        with provider_rate_limit.honour_retry_after(now=now):
            snapshot = get_client().create_authentication(
                applicant_id=intent.applicant_id, user_journey_id=intent.user_journey_id
            )
    except ProviderError as error:
        if limits.made_nothing(error):  # else it may exist, and the intent stays
            intent.delete()
        raise
    return sync.apply(intent, snapshot, source=StatusChange.Source.CREATE, now=now)


def newest_attempt(
    authentication: FaceAuthentication, *, now: datetime
) -> tuple[bool, AttemptSnapshot | None]:
    """Look which attempt is the newest; tell whether there was a look, and return what it found.

    The list also shows an attempt whose creation we were never told of.
    """
    listed = sync.look_at_attempts(authentication, now=now)
    return listed is not None, next(iter(listed or ()), None)


def has_none_under_way(authentication: FaceAuthentication) -> bool:
    """Tell, without asking, that the provider waits for a new attempt and for nothing else."""
    newest = authentication.attempts.first()
    return (
        authentication.status == AuthenticationStatus.RETRY_REQUIRED
        and not sync.has_stale_attempts(authentication)
        and (newest is None or newest.status not in UNDER_WAY)
    )


def is_unopened(authentication: FaceAuthentication) -> bool:
    """Tell whether the link of the newest attempt was not opened yet, as far as is known."""
    newest = authentication.attempts.first()
    return (
        newest is not None
        and newest.status == AttemptStatus.PENDING_REDIRECTION
        and authentication.status in BEFORE_CAPTURE
    )


def may_have_link(challenge: FaceChallenge, *, now: datetime) -> bool:
    """Tell, without asking, whether a link that was handed out might still be opened."""
    row, started_at = challenge.authentication, challenge.started_at
    if row is None or started_at is None:
        return False
    return row.status in BEFORE_CAPTURE and now - started_at < LINK_REUSE


def can_be_opened(attempt: AttemptSnapshot, challenge: FaceChallenge, *, now: datetime) -> bool:
    """Tell whether the link of an attempt may be handed out again."""
    created_on = clocks.given(attempt.created_on, now=now)
    return (
        attempt.status == AttemptStatus.PENDING_REDIRECTION
        and created_on is not None
        and now - created_on < LINK_REUSE
        and carries(attempt.redirect_url, challenge.handle)
        and attempt.capture_url != ""
    )


def new_attempt(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    *,
    redirect_url: str,
    now: datetime,
) -> AttemptSnapshot:
    """Create an attempt, after remembering that it was asked for."""
    FaceChallenge.objects.filter(pk=challenge.pk).update(started_at=now, returned_at=None)
    sync.expect(authentication, by=now + PULL_TIMEOUT, now=now)  # should no answer come
    with provider_rate_limit.honour_retry_after(now=now):
        attempt = get_client().create_attempt(
            authentication.provider_id or "", redirect_url=redirect_url
        )
    sync.mirror_attempts(authentication, [attempt], started_at=now)
    sync.expect(authentication, by=now + PULL_INTERVAL, now=now)
    return attempt
