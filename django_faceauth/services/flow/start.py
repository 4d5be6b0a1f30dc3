"""Create an attempt, or return the link of one that can still be opened.

No call is made inside a transaction: what must be remembered before a call is committed
before it, so that a crash or a timeout leaves a pending creation to pick up, never an attempt
that is not known here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    ConfigurationError,
    Conflict,
    NotFound,
    ProviderError,
    TooManyAttempts,
)
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, FaceAuthentication, FaceChallenge, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.resource import lock_expired
from django_faceauth.provider.factory import get_client
from django_faceauth.services import limits
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.flow.capture import (
    LINK_REUSE,
    CaptureOptions,
    HandOff,
    can_be_opened,
    hand_out,
    handed_out,
)
from django_faceauth.services.flow.finish import TROUBLES, close
from django_faceauth.services.flow.progress import START_TIMEOUT
from django_faceauth.services.grants import grants
from django_faceauth.services.privacy import consent
from django_faceauth.services.sync import provider_rate_limit, sync
from django_faceauth.services.sync.polling_schedule import MOST_POLLS, PULL_INTERVAL, PULL_TIMEOUT
from django_faceauth.statuses import BEFORE_CAPTURE, UNDER_WAY, AttemptStatus, AuthenticationStatus

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AttemptSnapshot

logger = logging.getLogger(__name__)

State = FaceChallenge.State


def begin(
    challenge: FaceChallenge,
    *,
    redirect_url: str,
    now: datetime,
    options: CaptureOptions,
    origin: Mapping[str, str],
    return_url: str = "",
    agreed_to: str = "",
) -> HandOff | None:
    """Create or reuse an attempt for an open challenge.

    The provider sends the browser to `redirect_url`, which is ours, and that to `return_url`
    if an API client has named one. `agreed_to` is the version of the text that the user agrees
    to with this request. With a phone number among the `options`, the provider also sends the
    link by SMS, of a new attempt. `origin` has the network and the browser that a new attempt is
    started from. The provider is called at most once in two seconds for a challenge; a second
    press meanwhile gets the same link. Returns None when there is no link: another request is
    starting, the provider was called a moment ago, faces are being compared, or the provider
    takes no attempt any more. Raises `NotEnrolled`, `ConsentRequired`, `TooManyAttempts`, a
    `ProviderError` or a `ConfigurationError`.
    """
    applicant = applicants.applicant_of(challenge.user)
    consent.require(challenge.user, version=agreed_to, now=now)
    get_client()  # raises, if it does, before anything is written
    if database.is_surrounded():
        # What is held meanwhile keeps others waiting, on SQLite all writers, and a crash loses it.
        logger.error(
            "the provider is called inside of a transaction of the site: "
            "leave the URLs of django_faceauth out of the middleware that opens it"
        )
    # One request at a time: a double click or a second tab comes second.
    free = grants.of_client(challenge).filter(
        lock_expired("start_locked_at", lease=START_TIMEOUT, now=now), state=State.OPEN
    )
    handle = grants.handle_columns(challenge)
    if not free.update(start_locked_at=now, return_url=return_url, **handle):
        return _link_of(challenge, now)
    try:
        link = _hand_off(challenge, applicant, redirect_url, options, origin, now)
    except TROUBLES as error:
        _allow_repeat(challenge, error, now)
        raise
    finally:
        # Only our own lock: one that ran out may belong to another request by now.
        ours = FaceChallenge.objects.filter(pk=challenge.pk, start_locked_at=now)
        ours.update(start_locked_at=None)
    # A user who has withdrawn it meanwhile is shown no capture page any more.
    consent.require(challenge.user, now=now)
    return link


def closed_until(challenge: FaceChallenge, *, now: datetime) -> TooManyAttempts | None:
    """Return why `begin` would be refused; None when it may hand out or create an attempt."""
    return None if _may_have_link(challenge, now) else limits.closed_until(challenge, now=now)


def _hand_off(
    challenge: FaceChallenge,
    applicant: Applicant,
    redirect_url: str,
    options: CaptureOptions,
    origin: Mapping[str, str],
    now: datetime,
) -> HandOff | None:
    challenge.refresh_from_db(fields=["authentication", "started_at", "called_at"])
    row = challenge.authentication
    authentication = row if row and row.provider_id and _is_current(row, applicant) else None
    called_at = challenge.called_at
    # An authentication that is not current any more is no reason to wait.
    if authentication == row and called_at and abs(now - called_at) < PULL_INTERVAL:
        return _link_of(challenge, now)
    attempt = None
    try:
        if challenge.started_at is not None and authentication is not None:
            if authentication.status == AuthenticationStatus.CHECKS_IN_PROGRESS:
                return None
            # An attempt of an earlier press is not created again, nor one whose creation was
            # answered by a timeout.
            if not _is_ready_for_retry(authentication):
                _note_call(challenge, now)
                listed = sync.look_at_attempts(authentication, now=now)
                if listed is None:
                    return _link_of(challenge, now)
                attempt = next(iter(listed), None)
                if attempt is not None and attempt.status == AttemptStatus.CHECKS_IN_PROGRESS:
                    sync.expect(authentication, by=now, now=now, pulled_at=None)
                    return None
        by_sms = options.phone_number is not None
        if attempt is not None and not by_sms and can_be_opened(attempt, challenge.handle, now=now):
            sync.saw_unopened(attempt, now=now)
        else:
            with limits.counted(challenge, by_sms=by_sms, now=now):  # before anything is created
                _note_call(challenge, now)
                authentication = authentication or _authentication_for(challenge, applicant, now)
                attempt = _create_attempt(
                    challenge, authentication, redirect_url, options, origin, now
                )
            # What is bought is limited: its attempts may be listed at once.
            _note_call(challenge, now - PULL_INTERVAL)
    except NotFound:
        if authentication is None:  # it was not created
            raise
        close(challenge, State.FAILED, "unknown_to_provider")
        return None
    except Conflict:
        if authentication is None:
            raise
        sync.expect(authentication, by=now, now=now)  # it has gone on, on another device
        return None
    logger.info("start challenge=%s", challenge.pk)
    return hand_out(challenge.handle, attempt.capture_url, created_on=attempt.created_on, now=now)


def _allow_repeat(challenge: FaceChallenge, error: Exception, now: datetime) -> None:
    """Let a failed start be repeated at once: one that counts always, a free one only once."""
    before = challenge.called_at  # of the start before this one
    is_free = isinstance(error, ProviderError) and limits.made_nothing(error)
    rows = FaceChallenge.objects.filter(pk=challenge.pk)
    if is_free:  # nothing was started, so there is nothing to look for
        rows.update(started_at=challenge.started_at)
    if is_free and before is not None and abs(now - before) < 2 * PULL_INTERVAL:
        return
    rows.update(called_at=now - PULL_INTERVAL)


def _note_call(challenge: FaceChallenge, called_at: datetime) -> None:
    FaceChallenge.objects.filter(pk=challenge.pk).update(called_at=called_at)


def _link_of(challenge: FaceChallenge, now: datetime) -> HandOff | None:
    """Return the link that this process handed out, if it can still be opened by all we know."""
    challenge.refresh_from_db(fields=["authentication", "started_at"])
    row = challenge.authentication
    if row is None or not _may_have_link(challenge, now):
        return None
    newest = row.attempts.first()
    if newest is None or newest.status != AttemptStatus.PENDING_REDIRECTION:
        return None
    return handed_out(challenge.handle, now=now)


def _may_have_link(challenge: FaceChallenge, now: datetime) -> bool:
    """Return, without a call, whether a link that was handed out might still be opened."""
    row, started_at = challenge.authentication, challenge.started_at
    if row is None or started_at is None:
        return False
    return row.status in BEFORE_CAPTURE and now - started_at < LINK_REUSE


def _is_ready_for_retry(authentication: FaceAuthentication) -> bool:
    """Return, without a call, whether the provider waits for nothing but a new attempt."""
    newest = authentication.attempts.first()
    return (
        authentication.status == AuthenticationStatus.RETRY_REQUIRED
        and not sync.has_stale_attempts(authentication)
        and (newest is None or newest.status not in UNDER_WAY)
    )


def _is_current(row: FaceAuthentication, applicant: Applicant) -> bool:
    """Return whether a row is what would be created today: applicants and settings may change."""
    created_for = (row.applicant_id, row.user_journey_id, row.environment)
    is_same = created_for == (applicant.applicant_id, _journey(), conf.ENVIRONMENT)
    # One that was polled too often could not be followed to its end.
    return is_same and row.erased_at is None and row.poll_count < MOST_POLLS


def _journey() -> str:
    if not is_id(conf.USER_JOURNEY_ID, Prefix.USER_JOURNEY):
        raise ConfigurationError("FACEAUTH_USER_JOURNEY_ID is not the id of a user journey.")
    return conf.USER_JOURNEY_ID


def _authentication_for(
    challenge: FaceChallenge, applicant: Applicant, now: datetime
) -> FaceAuthentication:
    """Create the authentication of a challenge at the provider, or complete a pending creation."""
    pending = challenge.authentication
    if pending is None or not _is_current(pending, applicant):
        pending = _add_pending_creation(challenge, applicant)
    try:
        with provider_rate_limit.honour_retry_after(now=now):
            snapshot = get_client().create_authentication(
                applicant_id=pending.applicant_id, user_journey_id=pending.user_journey_id
            )
    except ProviderError as error:
        if limits.made_nothing(error):  # otherwise it may exist, and the row stays
            pending.delete()
        raise
    return sync.apply(pending, snapshot, source=StatusChange.Source.CREATE, now=now)


@database.repeated
def _add_pending_creation(challenge: FaceChallenge, applicant: Applicant) -> FaceAuthentication:
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


def _create_attempt(
    challenge: FaceChallenge,
    authentication: FaceAuthentication,
    redirect_url: str,
    options: CaptureOptions,
    origin: Mapping[str, str],
    now: datetime,
) -> AttemptSnapshot:
    FaceChallenge.objects.filter(pk=challenge.pk).update(started_at=now, returned_at=None, **origin)
    sync.expect(authentication, by=now + PULL_TIMEOUT, now=now)  # should no answer come
    with provider_rate_limit.honour_retry_after(now=now):
        attempt = get_client().create_attempt(
            authentication.provider_id or "",
            redirect_url=redirect_url,
            phone_number=options.phone_number,
            client_information=options.information,
        )
    sync.mirror_attempts(authentication, [attempt], started_at=now)
    sync.expect(authentication, by=now + PULL_INTERVAL, now=now)
    return attempt
