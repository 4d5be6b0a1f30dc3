"""The provider rate limit of all processes (D-04, P-06)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_faceauth.exceptions import AccessDenied, NotFound, Unavailable
from django_faceauth.models import ProviderRateLimit
from django_faceauth.services.sync import provider_rate_limit

pytestmark = [pytest.mark.database, pytest.mark.django_db]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def taken(count: int, *, now: datetime = NOON, someone_waits: bool = False) -> int:
    return sum(
        provider_rate_limit.try_acquire(now=now, someone_waits=someone_waits) for _ in range(count)
    )


def react(error: Exception, *, now: datetime) -> None:
    with suppress(type(error)), provider_rate_limit.honour_retry_after(now=now):
        raise error


def test_half_a_second_may_be_asked_at_once_and_twenty_in_each():
    """Waiting users are let in when the background is not."""
    assert taken(50) == 11
    assert taken(50, someone_waits=True) == 10
    assert taken(50, now=NOON + SECOND / 2) == 0
    assert taken(50, now=NOON + SECOND / 2, someone_waits=True) == 10
    later = NOON + 10 * SECOND
    assert taken(50, now=later) == 11
    assert sum(taken(5, now=later + tenth * SECOND / 10) for tenth in range(1, 101)) == 200


@given(
    steps=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30), st.booleans()), max_size=6),
    rate=st.sampled_from([0.5, 1, 20, 100]),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_second_sees_more_than_its_share(steps, rate):
    """In any window, however the questions fall."""
    ProviderRateLimit.objects.all().delete()
    asked, now = [], NOON
    with override_settings(FACEAUTH_POLL_RATE=rate):
        for wait, count, someone_waits in steps:
            now += timedelta(seconds=wait)
            asked += [now] * taken(count, now=now, someone_waits=someone_waits)

    for first, begun in enumerate(asked):
        for last in range(first, len(asked)):
            window = (asked[last] - begun).total_seconds()
            assert last - first + 1 <= rate * (window + 1) + 1.001


def test_calls_that_are_made_in_any_case_are_counted():
    taken(1)
    for _ in range(30):
        provider_rate_limit.record(now=NOON)

    assert taken(5) == 0
    assert taken(5, now=NOON + 2 * SECOND) == 5


def test_a_clock_that_was_far_ahead_does_not_stop_us():
    taken(3, now=NOON + timedelta(days=1))
    assert taken(1) == 1

    react(Unavailable("get_authentication", status_code=429), now=NOON + timedelta(days=1))
    assert taken(1, now=NOON + SECOND) == 1


@pytest.mark.parametrize(
    ("error", "pause", "reason", "let_in"),
    [
        (AccessDenied("x", status_code=401), timedelta(minutes=5), "no_access", 1),
        (Unavailable("x", status_code=429, retry_after=7), 7 * SECOND, "asked_to", 0),
        (Unavailable("x", status_code=503, retry_after=60), 60 * SECOND, "asked_to", 0),
        (Unavailable("x", status_code=429), SECOND, "asked_to", 0),
        (Unavailable("x", status_code=429, retry_after=1e9), timedelta(minutes=15), "asked_to", 0),
    ],
)
def test_pauses(error, pause, reason, let_in):
    """A waiting user may try whether the credentials work again, but does not push in."""
    taken(1)

    react(error, now=NOON)

    assert provider_rate_limit.paused_until(now=NOON) == NOON + pause
    assert provider_rate_limit.pause(now=NOON) == reason
    assert taken(1, now=NOON + pause - SECOND / 2) == 0
    assert taken(1, now=NOON + SECOND / 2, someone_waits=True) == let_in
    assert taken(1, now=NOON + pause) == 1
    assert provider_rate_limit.pause(now=NOON + pause) == ""


@pytest.mark.parametrize("error", [Unavailable("x", status_code=503), NotFound("x")])
def test_other_errors_are_no_reason_to_stop(error):
    taken(1)

    react(error, now=NOON)

    assert provider_rate_limit.paused_until(now=NOON) is None


def test_each_set_of_credentials_has_its_own():
    taken(50)

    for credentials in (
        {"FACEAUTH_SECRET_KEY": "sk_sbox_other"},
        {"FACEAUTH_BASE_URL": "https://abc.api.checkout.com"},
        {"FACEAUTH_SECRET_KEY": "", "FACEAUTH_OAUTH_CLIENT_ID": "ack_1"},
    ):
        with override_settings(**credentials):
            assert taken(1) == 1
    assert ProviderRateLimit.objects.count() == 4
    assert not ProviderRateLimit.objects.filter(credentials__contains="sk_sbox").exists()
    assert "sk_sbox" not in str(ProviderRateLimit.objects.first())


def test_how_much_is_used():
    assert provider_rate_limit.used(now=NOON) == 0
    taken(50)
    assert 0.5 < provider_rate_limit.used(now=NOON) < 0.6
    taken(50, someone_waits=True)
    assert provider_rate_limit.used(now=NOON) == 1
    assert provider_rate_limit.used(now=NOON + 2 * SECOND) == 0
