"""How often all processes together may ask (D-04, P-06)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_faceauth.exceptions import AccessDenied, NotFound, Unavailable
from django_faceauth.models import ProviderRateLimit
from django_faceauth.services.sync import provider_rate_limit

pytestmark = pytest.mark.database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def account(db: None) -> Iterator[None]:
    """Nothing has been asked yet."""
    ProviderRateLimit.objects.all().delete()
    return


def taken(count: int, *, now: datetime = NOON, someone_waits: bool = False) -> int:
    return sum(
        provider_rate_limit.try_acquire(now=now, someone_waits=someone_waits) for _ in range(count)
    )


def react(error: Exception, *, now: datetime) -> None:
    with suppress(type(error)), provider_rate_limit.honour_retry_after(now=now):
        raise error


def test_half_a_second_may_be_asked_at_once_and_twenty_in_each():
    assert taken(50) == 11
    assert sum(taken(5, now=NOON + tenth * SECOND / 10) for tenth in range(1, 101)) == 200


def test_people_are_let_in_when_the_background_is_not():
    taken(50)

    assert taken(50, someone_waits=True) == 10
    assert taken(50, now=NOON + SECOND / 2) == 0
    assert taken(50, now=NOON + SECOND / 2, someone_waits=True) == 10


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


def test_what_is_made_in_any_case_is_counted():
    taken(1)
    for _ in range(30):
        provider_rate_limit.record(now=NOON)

    assert taken(5) == 0
    assert taken(5, now=NOON + 2 * SECOND) == 5


def test_a_clock_that_was_far_ahead_does_not_stop_us():
    taken(3, now=NOON + timedelta(days=1))

    assert taken(1) == 1


def test_a_pause_written_by_a_clock_that_was_far_ahead_does_not_stop_us():
    taken(1)
    react(Unavailable("get_authentication", status_code=429), now=NOON + timedelta(days=1))

    assert taken(1, now=NOON + SECOND) == 1


@pytest.mark.parametrize(
    ("error", "pause", "reason"),
    [
        (AccessDenied("x", status_code=401), timedelta(minutes=5), "no_access"),
        (Unavailable("x", status_code=429, retry_after=7), 7 * SECOND, "asked_to"),
        (Unavailable("x", status_code=503, retry_after=60), 60 * SECOND, "asked_to"),
        (Unavailable("x", status_code=429), SECOND, "asked_to"),
        (Unavailable("x", status_code=429, retry_after=1e9), timedelta(minutes=15), "asked_to"),
    ],
)
def test_pauses(error, pause, reason):
    taken(1)

    react(error, now=NOON)

    assert provider_rate_limit.paused_until(now=NOON) == NOON + pause
    assert provider_rate_limit.pause(now=NOON) == reason
    assert taken(1, now=NOON + pause - SECOND / 2) == 0
    assert taken(1, now=NOON + pause) == 1
    assert provider_rate_limit.pause(now=NOON + pause) == ""


@pytest.mark.parametrize("error", [Unavailable("x", status_code=503), NotFound("x")])
def test_other_errors_are_no_reason_to_stop(error):
    taken(1)

    react(error, now=NOON)

    assert provider_rate_limit.paused_until(now=NOON) is None


@pytest.mark.parametrize(
    ("error", "let_in"), [(AccessDenied("x"), 1), (Unavailable("x", status_code=429), 0)]
)
def test_people_may_try_other_credentials_but_do_not_push_in(error, let_in):
    taken(1)
    react(error, now=NOON)

    assert taken(1, now=NOON + SECOND / 2, someone_waits=True) == let_in


def test_each_set_of_credentials_has_its_own():
    taken(50)

    for settings_ in (
        {"FACEAUTH_SECRET_KEY": "sk_sbox_other"},
        {"FACEAUTH_BASE_URL": "https://abc.api.checkout.com"},
        {"FACEAUTH_SECRET_KEY": "", "FACEAUTH_OAUTH_CLIENT_ID": "ack_1"},
    ):
        with override_settings(**settings_):
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
