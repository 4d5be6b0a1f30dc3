"""Enrol a user by an identity verification, from its start to its result.

As in `start`, no call is made inside a transaction, and what must be remembered before a call
is committed before it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth.conf import OFFER, PREFIX, conf
from django_faceauth.exceptions import (
    ConfigurationError,
    Conflict,
    NotEnrolled,
    NotFound,
    ProviderError,
    TooManyAttempts,
)
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.messages import ENROLMENT, LINK_RAN_OUT, RETRY, SHOWING, Wording
from django_faceauth.models import Applicant, IdentityVerification, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.challenge import SESSION_PART
from django_faceauth.models.resource import lock_expired
from django_faceauth.provider.factory import get_client
from django_faceauth.response_codes import advice_for
from django_faceauth.services import limits, unexpected_errors
from django_faceauth.services.flow import capture, finish
from django_faceauth.services.flow.capture import CaptureOptions, HandOff
from django_faceauth.services.flow.progress import has_just_returned
from django_faceauth.services.grants.identity import Principal
from django_faceauth.services.privacy import consent
from django_faceauth.services.sync import poll_lock, provider_rate_limit, sync
from django_faceauth.services.sync.polling_schedule import MOST_POLLS, START_TIMEOUT
from django_faceauth.statuses import BEFORE_CAPTURE, AuthenticationStatus

if TYPE_CHECKING:
    from django_faceauth.provider.resources import DeclaredData

logger = logging.getLogger(__name__)

Outcome = IdentityVerification.Outcome
Source = StatusChange.Source


def declared_by(user: AbstractBaseUser) -> DeclaredData | None:
    """Return who a user is by the site's records; None if enrolment is not offered to them."""
    # Loaded with the client: it is slow to load, and many processes never call the provider.
    from django_faceauth.provider.resources import DeclaredData

    hook = conf.ENROLMENT_DATA
    if conf.ENROLMENT != OFFER or hook is None or not user.is_active:
        return None
    try:
        data = hook(user)
        if data is None:
            return None
        name, birth_date = data["name"], data.get("birth_date") or None
        if isinstance(birth_date, date):
            birth_date = f"{birth_date:%Y-%m-%d}"
        elif birth_date is not None and birth_date != f"{date.fromisoformat(birth_date)}":
            raise ValueError("birth_date is not YYYY-MM-DD")
        external_id = data.get("external_applicant_id") or ""
    except Exception as error:
        unexpected_errors.note(error, f"{PREFIX}ENROLMENT_DATA user={user.pk}")
        return None
    if not isinstance(name, str) or not 2 <= len(name) <= 255:
        logger.error("%sENROLMENT_DATA: malformed name user=%s", PREFIX, user.pk)
        return None
    return DeclaredData(name, birth_date, str(external_id))


def find(principal: Principal, handle: str) -> IdentityVerification | None:
    """Return the identity verification with that handle if it is of this user in this session."""
    verification = _of(principal).filter(handle=handle).select_related("user").first()
    return verification if verification and verification.handle == handle else None


def begin(
    principal: Principal,
    declared: DeclaredData,
    *,
    redirect_url: Callable[[str], str],
    options: CaptureOptions,
    now: datetime,
    agreed_to: str = "",
) -> tuple[IdentityVerification, HandOff | None]:
    """Create or go on with the identity verification of a user in a session.

    `redirect_url` makes the URL that the provider sends the browser to from a handle. Returns
    no link in the cases in which `start.begin` does not. Raises `ConsentRequired`,
    `TooManyAttempts`, `NotEnrolled` if the enrolment is ended meanwhile, a `ProviderError` or
    a `ConfigurationError`.
    """
    consent.require(principal.user, version=agreed_to, now=now)
    get_client()  # raises, if it does, before anything is written
    verification = _get_or_create(principal, now=now)
    rows = IdentityVerification.objects.filter(pk=verification.pk)
    # One request at a time: a double click or a second tab comes second.
    free = rows.filter(
        lock_expired("start_locked_at", lease=START_TIMEOUT, now=now), outcome=Outcome.OPEN
    )
    if not free.update(start_locked_at=now):
        return verification, _link_of(verification, now)
    try:
        url = redirect_url(verification.handle)
        link = _hand_off(rows.get(), declared, url, options, now)
    finally:
        rows.filter(start_locked_at=now).update(start_locked_at=None)
    # A user who has withdrawn it meanwhile is shown no capture page any more.
    consent.require(principal.user, now=now)
    return verification, link


def closed_until(principal: Principal, *, now: datetime) -> TooManyAttempts | None:
    """Return why `begin` would be refused; None when it may create an attempt."""
    verification = _current_or_new(principal)
    return None if _link_of(verification, now) else limits.closed_until(verification, now=now)


def look(
    verification: IdentityVerification, *, source: str, now: datetime
) -> tuple[IdentityVerification, Exception | None]:
    """Pull the result for a waiting user; return the row then, and the error if there was one.

    Asks when the browser has come back, otherwise when the next poll is due.
    """
    if not verification.is_open or verification.started_at is None:
        return verification, None
    rows = IdentityVerification.objects.filter(pk=verification.pk)
    if source == Source.RETURN:
        rows.update(returned_at=now)
    elif verification.next_poll_at is None or verification.next_poll_at > now:
        return verification, None
    error = None
    try:
        with suppress(NotFound):  # it has ended then
            finish.refresh(verification, source=source, now=now, someone_waits=True)
    except finish.TROUBLES as trouble:
        logger.warning("pull failed: %s verification=%s", trouble, verification.pk)
        error = trouble
    return rows.select_related("user").get(), error


def wording_for(verification: IdentityVerification, *, now: datetime) -> tuple[str, Wording]:
    """Return the progress of an identity verification in one word, with the texts for it."""
    word, started_at = verification.outcome, verification.started_at
    if word == Outcome.OPEN and started_at is not None:
        status = _status_of(verification)
        if status == AuthenticationStatus.RETRY_REQUIRED:
            return RETRY, Wording(ENROLMENT[RETRY].title, advice_for(verification.codes))
        if status in BEFORE_CAPTURE and now - started_at > capture.LINK_LIFE:
            return RETRY, Wording(ENROLMENT[RETRY].title, LINK_RAN_OUT)
        if can_reopen(verification, now=now):
            return word, SHOWING
    return word, ENROLMENT[word]


def can_reopen(verification: IdentityVerification, *, now: datetime) -> bool:
    """Return whether the capture page of a running attempt can be opened again."""
    status = _status_of(verification)
    return status in BEFORE_CAPTURE and not has_just_returned(verification, now)


def _of(principal: Principal) -> database.Rows[IdentityVerification]:
    parts = [digest[:SESSION_PART] for digest in principal.digests]
    return IdentityVerification.objects.filter(user_id=principal.user.pk, session_digest__in=parts)


def _current_or_new(principal: Principal) -> IdentityVerification:
    """Return the open identity verification that a start goes on with, or a new one, unsaved."""
    if not is_id(conf.ENROLMENT_JOURNEY_ID, Prefix.USER_JOURNEY):
        raise ConfigurationError(f"{PREFIX}ENROLMENT_JOURNEY_ID is not the id of a user journey.")
    applicant = Applicant.objects.filter(user_id=principal.user.pk).first()
    values = {
        "user_journey_id": conf.ENROLMENT_JOURNEY_ID,
        "environment": conf.ENVIRONMENT,
        "replaces": applicant.applicant_id if applicant else "",
    }
    # One that was polled too often could not be followed to its end.
    current = _of(principal).filter(outcome=Outcome.OPEN, poll_count__lt=MOST_POLLS, **values)
    return current.order_by("pk").last() or IdentityVerification(
        user_id=principal.user.pk,
        handle=secrets.token_urlsafe(24),
        session_digest=principal.session_digest[:SESSION_PART],
        **values,
    )


@database.repeated
def _get_or_create(principal: Principal, *, now: datetime) -> IdentityVerification:
    """Return the open identity verification of a session, creating and counting one if needed."""
    with database.atomic():
        limits.hold_user(principal.user.pk)
        verification = _current_or_new(principal)
        if verification.started_at is not None:
            return verification
        closed = limits.closed_until(verification, now=now)
        if closed is None:
            verification.started_at = now  # counts it
            verification.save()
            return verification
    limits.log_limited(closed, f"user={principal.user.pk}")
    raise closed


def _hand_off(
    verification: IdentityVerification,
    declared: DeclaredData,
    redirect_url: str,
    options: CaptureOptions,
    now: datetime,
) -> HandOff | None:
    status, by_sms = _status_of(verification), options.phone_number is not None
    if status == AuthenticationStatus.CHECKS_IN_PROGRESS:
        return None
    if not by_sms and verification.provider_id and status in BEFORE_CAPTURE:
        if link := _link_of(verification, now):
            return link
        # Another process may have handed out a link.
        if not poll_lock.acquire_for_attempts(verification, now):
            return None
        provider_rate_limit.record(now=now)
        with provider_rate_limit.honour_retry_after(now=now):
            page = get_client().list_identity_verification_attempts(verification.provider_id)
        newest = next(iter(page.items), None)
        if newest is not None and capture.can_be_opened(newest, verification.handle, now=now):
            url, created_on = newest.capture_url, newest.created_on
            return capture.hand_out(verification.handle, url, created_on=created_on, now=now)
    rows = IdentityVerification.objects.filter(pk=verification.pk)
    had_started = verification.started_at if verification.provider_id else None
    try:
        with limits.counted(verification, by_sms=by_sms, now=now):
            rows.update(started_at=now, returned_at=None)
            if verification.provider_id:
                attempt = capture.create_attempt(verification, redirect_url, options, now=now)
                capture_url, created_on = attempt.capture_url, attempt.created_on
            else:
                capture_url, created_on = _create(
                    verification, declared, redirect_url, options, now
                )
    except (ProviderError, ConfigurationError) as error:
        if limits.made_nothing(error):
            rows.update(started_at=had_started)
        if not (verification.provider_id and isinstance(error, Conflict | NotFound)):
            raise
        if isinstance(error, NotFound):
            sync.erase(verification, now=now)
        else:
            sync.expect(verification, by=now, now=now)  # it has gone on, on another device
        return None
    logger.info("start verification=%s", verification.pk)
    return capture.hand_out(verification.handle, capture_url, created_on=created_on, now=now)


def _create(
    verification: IdentityVerification,
    declared: DeclaredData,
    redirect_url: str,
    options: CaptureOptions,
    now: datetime,
) -> tuple[str, datetime | None]:
    """Create the applicant and the identity verification at the provider."""
    client, rows = get_client(), IdentityVerification.objects.filter(pk=verification.pk)
    with provider_rate_limit.honour_retry_after(now=now):
        if not verification.applicant_id:
            # Means nothing elsewhere, unlike a primary key or a name.
            external_id = declared.external_applicant_id or uuid4().hex
            applicant = client.create_applicant(external_applicant_id=external_id)
            verification.applicant_id = applicant.id
            # So that its events find this row, unless the user was erased meanwhile.
            if not rows.filter(outcome=Outcome.OPEN).update(applicant_id=applicant.id):
                raise NotEnrolled("the enrolment has ended")
        snapshot = client.create_and_open_identity_verification(
            applicant_id=verification.applicant_id,
            user_journey_id=verification.user_journey_id,
            redirect_url=redirect_url,
            declared_data=declared,
            phone_number=options.phone_number,
        )
    sync.apply(verification, snapshot, source=Source.CREATE, now=now)
    return snapshot.capture_url, snapshot.modified_on


def _status_of(verification: IdentityVerification) -> str:
    """Return the status of the newest attempt: what was known before it is not about it."""
    started_at, synced_at = verification.started_at, verification.synced_at
    if started_at is not None and (synced_at is None or synced_at < started_at):
        return AuthenticationStatus.PENDING
    return verification.status


def _link_of(verification: IdentityVerification, now: datetime) -> HandOff | None:
    """Return the link that this process handed out, if it can still be opened by all we know."""
    started_at = verification.started_at
    is_young = started_at is not None and now - started_at < capture.LINK_REUSE
    if not is_young or _status_of(verification) not in BEFORE_CAPTURE:
        return None
    return capture.handed_out(verification.handle, now=now)
