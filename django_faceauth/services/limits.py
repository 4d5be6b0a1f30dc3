"""Rate limits of starts, and lock-outs.

Counted in the database, under a lock, before the provider is called: as unsuccessful, until
the start leads to an approval. An error of the database goes through to the caller: nothing
starts that could not be counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import F, Max

from django_faceauth import metrics
from django_faceauth.conf import PREFIX, conf
from django_faceauth.durations import Limit
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    NotEnrolled,
    NotFound,
    ProviderError,
    Rejected,
    TooManyAttempts,
    Unavailable,
)
from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    FaceAuthentication,
    FaceChallenge,
    IdentityVerification,
    Lockout,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.sync import provider_rate_limit
from django_faceauth.signals import locked_out
from django_faceauth.statuses import AuthenticationStatus

logger = logging.getLogger(__name__)

#: The provider refused: nothing was created.
REFUSALS: Final = (AccessDenied, Conflict, NotFound, Rejected)

#: Messages to the phone of a user.
SMS: Final = (Limit(1, timedelta(minutes=1)), Limit(5, timedelta(days=1)))

#: What an attempt is started for.
Subject = FaceChallenge | IdentityVerification

#: Starts are remembered for at least so long, whatever the limits are.
SHORTEST_MEMORY: Final = timedelta(days=1)


@database.repeated
def count_attempt(subject: Subject, *, by_sms: bool = False, now: datetime) -> AttemptRequest:
    """Count one attempt, which the caller is about to create.

    Raises `TooManyAttempts` if a limit is reached, and `NotEnrolled`.
    """
    kind = "challenge" if isinstance(subject, FaceChallenge) else "verification"
    has_site_limit = conf.RATE_LIMITS.site is not None
    if has_site_limit:
        # Not below, where many at once would wait for each other's row.
        provider_rate_limit.open_account()
    with database.atomic():
        if isinstance(subject, IdentityVerification):
            hold_user(subject.user_id)
        elif not hold(subject.user_id):
            raise NotEnrolled("the user has no applicant")
        if has_site_limit:
            provider_rate_limit.lock()  # always after the user, so that no two wait for each other
        closed = closed_until(subject, by_sms=by_sms, now=now)
        if closed is None:
            return AttemptRequest.objects.create(
                user_id=subject.user_id,
                session_digest=subject.session_part,
                by_sms=by_sms,
                at=now,
                **{kind: subject},
            )
    log_limited(closed, f"{kind}={subject.pk}")
    raise closed


def log_limited(closed: TooManyAttempts, about: str) -> None:
    metrics.count(f"limited.{closed.scope}")
    level = logging.ERROR if closed.scope == "site" else logging.WARNING
    logger.log(level, "start limited scope=%s %s", closed.scope, about)


def made_nothing(error: ProviderError | ConfigurationError) -> bool:
    """Return whether a call that failed so has certainly created nothing at the provider."""
    if not isinstance(error, Unavailable):
        return isinstance(error, (ConfigurationError, *REFUSALS))
    is_refusal = error.operation == "token" or error.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return is_refusal or not error.was_sent


@contextmanager
def counted(subject: Subject, *, by_sms: bool = False, now: datetime) -> Iterator[None]:
    """Count the attempt that is created in this block; raises what `count_attempt` does.

    It is not counted if the provider certainly created nothing.
    """
    request = count_attempt(subject, by_sms=by_sms, now=now)
    try:
        yield
    except (ProviderError, ConfigurationError) as error:
        if made_nothing(error):
            AttemptRequest.objects.filter(pk=request.pk).delete()
        raise


def note_approval(resource: FaceAuthentication | IdentityVerification) -> None:
    """Count the start that led to an approval as successful; safe to call any number of times."""
    is_face = isinstance(resource, FaceAuthentication)
    column = "challenge__authentication" if is_face else "verification"
    requests = AttemptRequest.objects.filter(**{column: resource.pk})
    newest = requests.order_by("-at", "-pk").first()  # the earlier ones led to nothing
    if newest is not None and not newest.is_successful:
        AttemptRequest.objects.filter(pk=newest.pk).update(is_successful=True)


def closed_until(
    subject: Subject, *, by_sms: bool = False, now: datetime
) -> TooManyAttempts | None:
    """Return the limit that closes a challenge or a verification the longest, without counting."""
    limits = conf.RATE_LIMITS
    reached = []
    lockouts = Lockout.objects.in_force(user_id=subject.user_id, now=now)
    lockout = lockouts.order_by("-until").first()
    if lockout is not None and lockout.reason == Lockout.Reason.DECLINED:
        rule = _rule("lockout", limits.lockout) if limits.lockout else ""
        reached.append(TooManyAttempts("lockout", until=lockout.until, rule=rule))
    elif lockout is not None:  # for any other reason staff are needed
        reached.append(TooManyAttempts("reported", until=lockout.until, rule=""))
    requests = AttemptRequest.objects.all()
    of_user = requests.filter(user_id=subject.user_id)
    of_session = requests.filter(session_digest=subject.session_part, is_successful=False)
    started = IdentityVerification.objects.filter(user_id=subject.user_id, started_at__isnull=False)
    is_new = isinstance(subject, IdentityVerification) and subject.started_at is None
    for scope, key, counted_rows, of_key in (
        ("user", "unsuccessful", of_user.filter(is_successful=False), limits.unsuccessful),
        ("session", "unsuccessful_session", of_session, limits.unsuccessful_session),
        ("user", "successful", of_user.filter(is_successful=True), limits.successful),
        ("site", "site", requests, [limits.site] if limits.site else []),
        ("sms", "sms", of_user.filter(by_sms=True), SMS if by_sms else ()),
        ("enrolment", "enrolment", started, limits.enrolment if is_new else ()),
    ):
        moment = "created_at" if key == "enrolment" else "at"
        newest_first = counted_rows.order_by(f"-{moment}").values_list(moment, flat=True)
        for limit in of_key:
            # Closed until the oldest of the newest `count` leaves the window. Moments ahead of
            # now count too: another server's clock may be a little ahead of ours.
            at = next(iter(newest_first[limit.count - 1 : limit.count]), None)
            if at is not None:
                rule = "" if key == "sms" else _rule(key, limit)
                reached.append(TooManyAttempts(scope, until=at + limit.period, rule=rule))
    still_closed = [closed for closed in reached if closed.until > now]
    return max(still_closed, key=lambda closed: closed.until, default=None)


@database.repeated
def note_decline(user_id: Any, *, now: datetime) -> None:
    """Lock out a user who has been declined too often in a row; safe to call at any time."""
    lockout = conf.RATE_LIMITS.lockout
    if lockout is None or _locked_until(user_id, lockout, now) is None:  # as nearly always
        return
    with database.atomic():
        # Asked again under the lock: of two workers at once, one locks out.
        until = _locked_until(user_id, lockout, now) if hold(user_id) else None
        if until is not None:
            lock(user_id, reason=Lockout.Reason.DECLINED, until=until, now=now)


def lock(
    user_id: Any,
    *,
    reason: Lockout.Reason,
    until: datetime,
    now: datetime,
    challenge: FaceChallenge | None = None,
) -> Lockout:
    """Lock a user out until `until`, and send the signal.

    `challenge` is the one that the user reported as not theirs.
    """
    lockout = Lockout.objects.create(user_id=user_id, reason=reason, started_at=now, until=until)
    send_on_commit(
        locked_out,
        sender=Lockout,
        user=lockout.user,
        reason=lockout.reason,
        until=until,
        challenge=challenge,
    )
    return lockout


def forget(*, now: datetime) -> None:
    """Delete starts that no limit counts any more."""
    limits = conf.RATE_LIMITS
    lists = limits.unsuccessful, limits.unsuccessful_session, limits.successful
    periods = [limit.period for limit in chain(*lists, [limits.site] if limits.site else [])]
    AttemptRequest.objects.filter(at__lt=now - max([SHORTEST_MEMORY, *periods])).delete()


def hold(user_id: Any) -> bool:
    """Lock the applicant of a user until the end of the transaction.

    An UPDATE locks the row on every database. As the first statement it also comes before
    the snapshot that MariaDB and SQLite read from, so that what is read then is current.
    """
    return Applicant.objects.filter(user_id=user_id).update(created_at=F("created_at")) == 1


def hold_user(user_id: Any) -> None:
    """Lock the row of a user, who may have no applicant, until the end of the transaction."""
    model: Any = get_user_model()
    name = model.USERNAME_FIELD
    model._base_manager.filter(pk=user_id).update(**{name: F(name)})


def _rule(key: str, limit: Limit) -> str:
    return f'{PREFIX}RATE_LIMITS["{key}"]: {limit}'


def _locked_until(user_id: Any, lockout: Limit, now: datetime) -> datetime | None:
    """Return how long a user is to be locked out from now; None when there is no reason to."""
    changes = StatusChange.objects.filter(authentication__user_id=user_id)
    approved = changes.filter(status=AuthenticationStatus.APPROVED)
    since = [
        approved.aggregate(at=Max("at"))["at"],
        Lockout.objects.filter(user_id=user_id).aggregate(at=Max("started_at"))["at"],
    ]
    declined = changes.filter(status=AuthenticationStatus.DECLINED)
    for moment in filter(None, since):
        declined = declined.filter(at__gt=moment)
    at = declined.values("authentication").annotate(last=Max("at")).order_by("-last")
    newest = list(at[: lockout.count])
    if len(newest) < lockout.count:
        return None
    # Counted from the decline, not from when we got round to it.
    until: datetime = newest[0]["last"] + lockout.period
    return until if until > now else None
