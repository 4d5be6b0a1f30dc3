"""How often the provider's attempts may be bought, and who has to wait (R-01 to R-06).

Counted in the database, under a lock, before the provider is called: as unsuccessful, until
it is approved. An error of the database goes through to the caller: nothing starts that could
not be counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

from django.db.models import F, Max, QuerySet

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
    Lockout,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.sync import provider_rate_limit
from django_faceauth.signals import locked_out
from django_faceauth.statuses import AuthenticationStatus

logger = logging.getLogger(__name__)

#: The provider said no: nothing was made.
REFUSALS: Final = (AccessDenied, Conflict, NotFound, Rejected)
TOO_MANY_REQUESTS: Final = 429

#: Whose limit, until when it is closed, and the rule that says so.
Closing = tuple[str, datetime | None, str]

#: What was asked for is remembered for so long, whatever the limits are.
SHORTEST_MEMORY: Final = timedelta(days=1)


@database.repeated
def take(challenge: FaceChallenge, *, now: datetime) -> AttemptRequest:
    """Count one attempt for a challenge, which the caller is about to buy.

    Raises `TooManyAttempts` if a limit is reached, and `NotEnrolled`.
    """
    has_site_limit = conf.RATE_LIMITS.site is not None
    if has_site_limit:
        # Not below, where many at once would wait for each other's row.
        provider_rate_limit.open_account()
    with database.atomic():
        if not hold(challenge.user_id):
            raise NotEnrolled("the user has no applicant")
        if has_site_limit:
            provider_rate_limit.lock()  # always after the user, so that no two wait for each other
        closed = closed_until(challenge, now=now)
        if closed is None:
            return AttemptRequest.objects.create(
                user_id=challenge.user_id,
                session_digest=challenge.session_part,
                challenge=challenge,
                at=now,
            )
    _report(closed, challenge)
    raise closed


def made_nothing(error: ProviderError | ConfigurationError) -> bool:
    """Tell whether the call that failed so has certainly made nothing at the provider."""
    if not isinstance(error, Unavailable):
        return isinstance(error, (ConfigurationError, *REFUSALS))
    is_refusal = error.operation == "token" or error.status_code == TOO_MANY_REQUESTS
    return is_refusal or not error.was_sent


@contextmanager
def counted(challenge: FaceChallenge, *, now: datetime) -> Iterator[None]:
    """Count the attempt that is bought in this block; raises what `take` does.

    It is not counted if the provider certainly made nothing.
    """
    request = take(challenge, now=now)
    try:
        yield
    except (ProviderError, ConfigurationError) as error:
        if made_nothing(error):
            give_back(request)
        raise


def give_back(request: AttemptRequest) -> None:
    """Forget an attempt that was not made after all."""
    AttemptRequest.objects.filter(pk=request.pk).delete()


def note_approval(authentication: FaceAuthentication) -> None:
    """Count the start that led to an approval as successful; safe to call any number of times."""
    asked = AttemptRequest.objects.filter(challenge__authentication=authentication.pk)
    newest = asked.order_by("-at", "-pk").first()  # the earlier ones led to nothing
    if newest is not None and not newest.is_successful:
        AttemptRequest.objects.filter(pk=newest.pk).update(is_successful=True)


def closed_until(challenge: FaceChallenge, *, now: datetime) -> TooManyAttempts | None:
    """Say which limit keeps a challenge from an attempt the longest, without counting it."""
    reached = [
        TooManyAttempts(scope, until=until, rule=rule)
        for scope, until, rule in _closings(challenge, now)
        if until is not None and until > now
    ]
    return max(reached, key=lambda closed: closed.until, default=None)


@database.repeated
def note_decline(user_id: Any, *, now: datetime) -> None:
    """Lock out a user who has been declined too often in a row (R-02).

    Safe to call at any time and any number of times: the rows tell whether it is due.
    """
    lockout = conf.RATE_LIMITS.lockout
    if lockout is None or _locked_until(user_id, lockout, now) is None:  # as nearly always
        return
    with database.atomic():
        # Asked again under the lock: of two workers at once, one locks out.
        until = _locked_until(user_id, lockout, now) if hold(user_id) else None
        if until is not None:
            lock(user_id, reason=Lockout.Reason.DECLINED, until=until, now=now)


def lock(user_id: Any, *, reason: Lockout.Reason, until: datetime, now: datetime) -> Lockout:
    """Let a user start nothing before `until`, and tell of it."""
    lockout = Lockout.objects.create(user_id=user_id, reason=reason, started_at=now, until=until)
    send_on_commit(
        locked_out, sender=Lockout, user=lockout.user, reason=lockout.reason, until=until
    )
    return lockout


def forget(*, now: datetime) -> None:
    """Delete what no limit looks at any more."""
    limits = conf.RATE_LIMITS
    lists = limits.unsuccessful, limits.unsuccessful_session, limits.successful
    periods = [limit.period for limit in chain(*lists, [limits.site] if limits.site else [])]
    AttemptRequest.objects.filter(at__lt=now - max([SHORTEST_MEMORY, *periods])).delete()


def hold(user_id: Any) -> bool:
    """Let one at a time count for a user, until the end of the transaction.

    An UPDATE locks the row on every database. As the first statement it also comes before
    the snapshot that MariaDB and SQLite read from, so that what is read then is current.
    """
    return Applicant.objects.filter(user_id=user_id).update(created_at=F("created_at")) == 1


def _closings(challenge: FaceChallenge, now: datetime) -> Iterator[Closing]:
    limits, requests = conf.RATE_LIMITS, AttemptRequest.objects.all()
    of_user = requests.filter(user_id=challenge.user_id)
    unsuccessful = of_user.filter(is_successful=False)
    of_session = requests.filter(session_digest=challenge.session_part, is_successful=False)
    in_force = Lockout.objects.in_force(user_id=challenge.user_id, now=now)
    lockout = in_force.order_by("-until").first()
    if lockout is not None:
        if lockout.is_for_declines:
            yield "lockout", lockout.until, _rule("lockout", limits.lockout)
        else:
            yield "reported", lockout.until, ""
    for limit in limits.unsuccessful:
        yield "user", _opens_at(unsuccessful, limit), _rule("unsuccessful", limit)
    for limit in limits.unsuccessful_session:
        yield "session", _opens_at(of_session, limit), _rule("unsuccessful_session", limit)
    for limit in limits.successful:
        successful = of_user.filter(is_successful=True)
        yield "user", _opens_at(successful, limit), _rule("successful", limit)
    if limits.site is not None:
        yield "site", _opens_at(requests, limits.site), _rule("site", limits.site)


def _rule(key: str, limit: Limit | None) -> str:
    return f'{PREFIX}RATE_LIMITS["{key}"]: {limit}' if limit else ""


def _opens_at(requests: QuerySet[AttemptRequest], limit: Limit) -> datetime | None:
    """Return when the oldest of the newest `count` leaves the window; None for fewer.

    Moments ahead of now count too: another server's clock may be a little ahead of ours.
    """
    newest_first = requests.order_by("-at").values_list("at", flat=True)
    at = next(iter(newest_first[limit.count - 1 : limit.count]), None)
    return at + limit.period if at else None


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
    if len(found := list(at[: lockout.count])) < lockout.count:
        return None
    # Counted from the decline, not from when we got round to it.
    until: datetime = found[0]["last"] + lockout.period
    return until if until > now else None


def _report(closed: TooManyAttempts, challenge: FaceChallenge) -> None:
    metrics.count(f"limited.{closed.scope}")
    level = logging.ERROR if closed.scope == "site" else logging.WARNING
    logger.log(level, "start limited scope=%s challenge=%s", closed.scope, challenge.pk)
