"""How often the provider's attempts may be bought, and who has to wait (R-01 to R-06).

Counted in the database, under a lock, before the provider is called. An error of the
database goes through to the caller: nobody starts anything that could not be counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max, QuerySet

from django_faceauth import metrics
from django_faceauth.conf import conf
from django_faceauth.durations import Limit
from django_faceauth.exceptions import NotEnrolled, TooManyAttempts
from django_faceauth.models import Applicant, AttemptRequest, FaceChallenge, Lockout
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services import attempts, budget
from django_faceauth.services.announcements import announce
from django_faceauth.signals import locked_out
from django_faceauth.statuses import AuthenticationStatus

logger = logging.getLogger(__name__)

#: What was asked for is remembered for so long, whatever the limits are.
SHORTEST_MEMORY: Final = timedelta(days=1)


def take(challenge: FaceChallenge, *, now: datetime) -> AttemptRequest:
    """Count one attempt for a challenge, which the caller is about to buy.

    Raises `TooManyAttempts` if a limit is reached, and `NotEnrolled`.
    """
    if conf.SITE_LIMIT:
        budget.open_account()  # not below, where many at once would wait for each other's row
    with transaction.atomic():
        if not hold(challenge.user_id):
            raise NotEnrolled("the user has no applicant")
        if conf.SITE_LIMIT:
            budget.hold()  # always after the user, so that no two wait for each other
        closed = closed_until(challenge, now=now)
        if closed is None:
            return AttemptRequest.objects.create(
                user_id=challenge.user_id, session_digest=challenge.session_digest, at=now
            )
    _report(closed, challenge)
    raise closed


@contextmanager
def counted(challenge: FaceChallenge, *, now: datetime) -> Iterator[None]:
    """Count the attempt that is bought in this block; raises what `take` does.

    It is not counted if the provider certainly made nothing.
    """
    request = take(challenge, now=now)
    try:
        yield
    except attempts.REFUSALS:
        give_back(request)
        raise


def give_back(request: AttemptRequest) -> None:
    """Forget an attempt that was not made after all."""
    request.delete()


def closed_until(challenge: FaceChallenge, *, now: datetime) -> TooManyAttempts | None:
    """Say which limit keeps a challenge from an attempt the longest, without counting it."""
    reached = [
        TooManyAttempts(scope, until=until)
        for scope, until in _closings(challenge, now)
        if until is not None and until > now
    ]
    return max(reached, key=lambda closed: closed.until, default=None)


def note_decline(user_id: Any, *, now: datetime) -> None:
    """Lock out a user who has been declined too often in a row (R-02).

    Safe to call at any time and any number of times: the rows tell whether it is due.
    """
    lockout = conf.LOCKOUT
    if lockout is None or _locked_until(user_id, lockout, now) is None:  # as nearly always
        return
    with transaction.atomic():
        # Asked again under the lock: of two workers at once, one locks out.
        until = _locked_until(user_id, lockout, now) if hold(user_id) else None
        if until is not None:
            lock(user_id, reason=Lockout.Reason.DECLINED, until=until, now=now)


def lock(user_id: Any, *, reason: Lockout.Reason, until: datetime, now: datetime) -> Lockout:
    """Let a user start nothing before `until`, and tell of it."""
    lockout = Lockout.objects.create(user_id=user_id, reason=reason, started_at=now, until=until)
    announce(locked_out, sender=Lockout, user=lockout.user, reason=lockout.reason, until=until)
    return lockout


def forget(*, now: datetime) -> None:
    """Delete what no limit looks at any more."""
    site = [conf.SITE_LIMIT] if conf.SITE_LIMIT else []
    periods = [limit.period for limit in (*conf.USER_LIMITS, *conf.SESSION_LIMITS, *site)]
    AttemptRequest.objects.filter(at__lt=now - max([SHORTEST_MEMORY, *periods])).delete()


def hold(user_id: Any) -> bool:
    """Let one at a time count for a user, until the end of the transaction.

    An UPDATE locks the row on every database. As the first statement it also comes before
    the snapshot that MariaDB and SQLite read from, so that what is read then is current.
    """
    return Applicant.objects.filter(user_id=user_id).update(created_at=F("created_at")) == 1


def _closings(challenge: FaceChallenge, now: datetime) -> Iterator[tuple[str, datetime | None]]:
    requests = AttemptRequest.objects.all()
    of_user = requests.filter(user_id=challenge.user_id)
    of_session = requests.filter(session_digest=challenge.session_digest)
    in_force = Lockout.objects.in_force(user_id=challenge.user_id, now=now)
    lockout = in_force.order_by("-until").first()
    if lockout is not None:
        yield "lockout" if lockout.is_for_declines else "reported", lockout.until
    yield from (("user", _opens_at(of_user, limit)) for limit in conf.USER_LIMITS)
    yield from (("session", _opens_at(of_session, limit)) for limit in conf.SESSION_LIMITS)
    if conf.SITE_LIMIT:
        yield "site", _opens_at(requests, conf.SITE_LIMIT)


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
