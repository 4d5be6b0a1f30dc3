"""What a challenge has at the provider: its authentication, and the attempts of that.

No call is made inside a transaction: what must be remembered before a call is committed
before it, so that a crash or a timeout leaves an intent to pick up, never an attempt that
nobody knows of (D-06). All functions raise `ProviderError` and `ConfigurationError`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    NotFound,
    ProviderError,
    Rejected,
    Unavailable,
)
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, FaceAuthentication, FaceChallenge, database
from django_faceauth.models.authentication import StatusChange
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.snapshots import AttemptSnapshot
from django_faceauth.services import budget, evidence, sync
from django_faceauth.services.schedule import MOST_POLLS, PULL_INTERVAL, PULL_TIMEOUT
from django_faceauth.statuses import (
    BEFORE_CAPTURE,
    UNDER_WAY,
    AttemptStatus,
    AuthenticationStatus,
)

#: A capture link is handed out again while it is this young (it lives 15 minutes; D-08).
LINK_REUSE: Final = timedelta(minutes=8)
#: The provider said no: nothing was made.
REFUSALS: Final = (AccessDenied, Conflict, NotFound, Rejected)
TOO_MANY_REQUESTS: Final = 429


def made_nothing(error: ProviderError | ConfigurationError) -> bool:
    """Tell whether the call that failed so has certainly made nothing at the provider."""
    if not isinstance(error, Unavailable):
        return isinstance(error, (ConfigurationError, *REFUSALS))
    is_refusal = error.operation == "token" or error.status_code == TOO_MANY_REQUESTS
    return is_refusal or not error.was_sent


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
    return asks_today and row.erased_at is None and row.pulls < MOST_POLLS


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
        with budget.heeded(now=now):
            snapshot = get_client().create_authentication(
                applicant_id=intent.applicant_id, user_journey_id=intent.user_journey_id
            )
    except ProviderError as error:
        if made_nothing(error):  # else it may exist, and the intent stays
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
        and evidence.carries(attempt.redirect_url, challenge.handle)
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
    with budget.heeded(now=now):
        attempt = get_client().create_attempt(
            authentication.provider_id or "", redirect_url=redirect_url
        )
    sync.mirror_attempts(authentication, [attempt], started_at=now)
    sync.expect(authentication, by=now + PULL_INTERVAL, now=now)
    return attempt
