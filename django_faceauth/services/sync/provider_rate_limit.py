"""How often the provider may be asked, by all processes of the site together (D-04, P-06).

The provider allows so and so many requests a second to a whole account, payments
included, so no process may judge by itself. The account is one row of the database, found
by a digest of the credentials: other credentials are another account, and start afresh.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from django_faceauth.conf import conf
from django_faceauth.exceptions import AccessDenied, Unavailable
from django_faceauth.models import ProviderRateLimit
from django_faceauth.secret import Secret, digests

logger = logging.getLogger(__name__)

#: How far ahead of the rate calls may be. People who wait are let in while the background
#: is already held back, so that a backlog does not make them wait.
AHEAD: Final = timedelta(milliseconds=500)
AHEAD_FOR_PEOPLE: Final = timedelta(seconds=1)

#: Credentials that are not accepted are tried again after this while; somebody has to act.
NO_ACCESS_PAUSE: Final = timedelta(minutes=5)
#: Bounds of what a `Retry-After` can do to us.
SHORTEST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=15)

#: Moments further ahead than this were written by a clock that was wrong.
IMPLAUSIBLE: Final = timedelta(minutes=20)

TOO_MANY_REQUESTS: Final = 429


def try_acquire(*, now: datetime, someone_waits: bool) -> bool:
    """Take one call out of the budget, if there is one at `now`.

    `someone_waits` tells that a person does.
    """
    if _take(now, someone_waits):
        return True
    if not _accounts().exists():
        open_account()
    elif not _set_right(now):
        return False
    return _take(now, someone_waits)


def record(*, now: datetime) -> None:
    """Count a call that is made in any case."""
    _accounts().update(spent_until=_spent(now))


def open_account() -> None:
    """Make sure that there is a row to `hold`."""
    if not _accounts().exists():
        ProviderRateLimit.objects.get_or_create(credentials=_credentials()[0])


def lock() -> None:
    """Keep the account for the transaction that this is called in; others wait for its end."""
    _accounts().update(spent_until=F("spent_until"))


@contextmanager
def honour_retry_after(*, now: datetime) -> Iterator[None]:
    """Pause for all when the provider, called in this block, does not let us in or asks to wait."""
    try:
        yield
    except AccessDenied as error:
        logger.critical("polling stopped, credentials not accepted: %s", error)
        _stop(ProviderRateLimit.Pause.NO_ACCESS, now + NO_ACCESS_PAUSE)
        raise
    except Unavailable as error:
        if _asks_to_wait(error):
            _stop(ProviderRateLimit.Pause.ASKED_TO, now + _wait(error))
        raise


def paused_until(*, now: datetime) -> datetime | None:
    """Return when the present pause ends; None when there is none."""
    until = _accounts().values_list("paused_until", flat=True).first()
    return until if until is not None and now < until <= now + IMPLAUSIBLE else None


def pause(*, now: datetime) -> str:
    """Return why the provider is not asked just now (`ProviderRateLimit.Pause`); empty if it is."""
    if paused_until(now=now) is None:
        return ""
    return _accounts().values_list("pause", flat=True).first() or ""


def used(*, now: datetime) -> float:
    """Return the share of what may be asked at once that is used up, from 0 to 1."""
    spent_until = _accounts().values_list("spent_until", flat=True).first() or 0
    ahead = spent_until - _microseconds(now)
    return min(max(ahead / (AHEAD_FOR_PEOPLE / timedelta(microseconds=1)), 0.0), 1.0)


def _take(now: datetime, someone_waits: bool) -> bool:
    may_ask = Q(paused_until=None) | Q(paused_until__lte=now)
    if someone_waits:  # each person finds out at once when the credentials work again
        may_ask |= Q(pause=ProviderRateLimit.Pause.NO_ACCESS)
    limit = now + (AHEAD_FOR_PEOPLE if someone_waits else AHEAD)
    affordable = _accounts().filter(may_ask, spent_until__lte=_microseconds(limit))
    return affordable.update(spent_until=_spent(now)) == 1


def _set_right(now: datetime) -> bool:
    """Undo what a clock that was far ahead has written; tell whether there was anything."""
    limit = now + IMPLAUSIBLE
    wrong = Q(spent_until__gt=_microseconds(limit)) | Q(paused_until__gt=limit)
    return _accounts().filter(wrong).update(spent_until=0, paused_until=None, pause="") == 1


def _spent(now: datetime) -> Greatest:
    cost = round(1_000_000 / conf.POLL_RATE)
    return Greatest(F("spent_until") + cost, _microseconds(now) + cost)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _asks_to_wait(error: Unavailable) -> bool:
    return error.retry_after is not None or error.status_code == TOO_MANY_REQUESTS


def _wait(error: Unavailable) -> timedelta:
    asked_for = min(error.retry_after or 0.0, LONGEST_PAUSE.total_seconds())
    return max(timedelta(seconds=asked_for), SHORTEST_PAUSE)


def _stop(reason: ProviderRateLimit.Pause, until: datetime) -> None:
    open_account()
    _accounts().update(paused_until=until, pause=reason)


def _accounts() -> QuerySet[ProviderRateLimit]:
    return ProviderRateLimit.objects.filter(credentials__in=_credentials())


def _credentials() -> list[str]:
    key = conf.SECRET_KEY or conf.OAUTH_CLIENT_SECRET or Secret("")
    # Never a variable of its own: error reports print those (P-05).
    return digests(
        "django_faceauth.budget", f"{conf.BASE_URL}|{conf.OAUTH_CLIENT_ID}|{key.reveal()}"
    )
