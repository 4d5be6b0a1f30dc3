"""Limit the calls to the provider across all processes.

The provider's rate limit is for a whole account, payments included, so the count is shared:
one row a set of credentials, found by their digest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from django_faceauth.conf import conf
from django_faceauth.exceptions import AccessDenied, Unavailable
from django_faceauth.models import ProviderRateLimit
from django_faceauth.secret import Secret, digests

logger = logging.getLogger(__name__)

Pause = ProviderRateLimit.Pause

#: How far ahead of the rate calls may be. Waiting users may go further than the background,
#: so that a backlog does not hold them up.
AHEAD: Final = timedelta(milliseconds=500)
AHEAD_FOR_USERS: Final = timedelta(seconds=1)

#: Pause after credentials were not accepted, which only an operator can change.
NO_ACCESS_PAUSE: Final = timedelta(minutes=5)
#: Bounds of a `Retry-After`.
SHORTEST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=15)

#: Moments further ahead than this were written by a wrong clock.
IMPLAUSIBLE: Final = timedelta(minutes=20)


def try_acquire(*, now: datetime, someone_waits: bool) -> bool:
    """Count one call, if the limit allows one at `now`; `someone_waits` means a user does."""
    if _acquire(now, someone_waits):
        return True
    if not _rows().exists():
        open_account()
    else:  # held back, unless a clock that was far ahead has written the row
        limit = now + IMPLAUSIBLE
        wrong = Q(spent_until__gt=_microseconds(limit)) | Q(paused_until__gt=limit)
        if not _rows().filter(wrong).update(spent_until=0, paused_until=None, pause=""):
            return False
    return _acquire(now, someone_waits)


def record(*, now: datetime) -> None:
    """Count a call that is made in any case."""
    _rows().update(spent_until=_spent(now))


def open_account() -> None:
    """Make sure that there is a row to `lock`."""
    if not _rows().exists():
        ProviderRateLimit.objects.get_or_create(credentials=_credentials()[0])


def lock() -> None:
    """Lock the row until the end of the transaction."""
    _rows().update(spent_until=F("spent_until"))


@contextmanager
def honour_retry_after(*, now: datetime) -> Iterator[None]:
    """Pause all calls when a call in this block is denied access or told to wait."""
    try:
        yield
    except AccessDenied as error:
        logger.critical("polling stopped, credentials not accepted: %s", error)
        open_account()
        _rows().update(paused_until=now + NO_ACCESS_PAUSE, pause=Pause.NO_ACCESS)
        raise
    except Unavailable as error:
        if error.retry_after is not None or error.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            longest = min(error.retry_after or 0.0, LONGEST_PAUSE.total_seconds())
            until = now + max(timedelta(seconds=longest), SHORTEST_PAUSE)
            open_account()
            _rows().update(paused_until=until, pause=Pause.ASKED_TO)
        raise


def paused_until(*, now: datetime) -> datetime | None:
    """Return when the present pause ends; None when there is none."""
    until = _rows().values_list("paused_until", flat=True).first()
    return until if until is not None and now < until <= now + IMPLAUSIBLE else None


def pause(*, now: datetime) -> str:
    """Return the reason of the present pause (`ProviderRateLimit.Pause`), or an empty string."""
    if paused_until(now=now) is None:
        return ""
    return _rows().values_list("pause", flat=True).first() or ""


def used(*, now: datetime) -> float:
    """Return the used share of what may be asked at once, from 0 to 1."""
    spent_until = _rows().values_list("spent_until", flat=True).first() or 0
    ahead = timedelta(microseconds=spent_until - _microseconds(now))
    return min(max(ahead / AHEAD_FOR_USERS, 0.0), 1.0)


def _acquire(now: datetime, someone_waits: bool) -> bool:
    may_ask = Q(paused_until=None) | Q(paused_until__lte=now)
    if someone_waits:  # the first user after a repair finds out that the credentials work again
        may_ask |= Q(pause=Pause.NO_ACCESS)
    limit = now + (AHEAD_FOR_USERS if someone_waits else AHEAD)
    affordable = _rows().filter(may_ask, spent_until__lte=_microseconds(limit))
    return affordable.update(spent_until=_spent(now)) == 1


def _spent(now: datetime) -> Greatest:
    cost = round(1_000_000 / conf.POLL_RATE)
    return Greatest(F("spent_until") + cost, _microseconds(now) + cost)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _rows() -> QuerySet[ProviderRateLimit]:
    return ProviderRateLimit.objects.filter(credentials__in=_credentials())


def _credentials() -> list[str]:
    key = conf.SECRET_KEY or conf.OAUTH_CLIENT_SECRET or Secret("")
    # Never a variable of its own: error reports print those.
    return digests(
        "django_faceauth.budget", f"{conf.BASE_URL}|{conf.OAUTH_CLIENT_ID}|{key.reveal()}"
    )
