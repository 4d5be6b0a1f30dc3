"""The provider rate limit of all processes, and the polling schedule (D-04, P-06)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_faceauth.exceptions import AccessDenied, NotFound, Unavailable
from django_faceauth.models import FaceAuthentication, ProviderRateLimit
from django_faceauth.services.sync import polling_schedule, provider_rate_limit
from django_faceauth.statuses import AuthenticationStatus

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
    for _ in range(30):  # made in any case, and counted
        provider_rate_limit.record(now=later + 10 * SECOND)
    assert provider_rate_limit.used(now=later + 10 * SECOND) == 1
    assert taken(5, now=later + 10 * SECOND) == 0
    assert taken(5, now=later + 12 * SECOND) == 5


@given(
    steps=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30), st.booleans()), max_size=6),
    rate=st.sampled_from([0.5, 1, 20, 100]),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_second_sees_more_than_its_share(steps, rate):
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
        (Unavailable("x", status_code=503), None, "", 1),
        (NotFound("x"), None, "", 1),
    ],
)
def test_pauses(error, pause, reason, let_in):
    """A waiting user may try whether the credentials work again, but does not push in."""
    taken(1)

    react(error, now=NOON)

    assert provider_rate_limit.paused_until(now=NOON) == (pause and NOON + pause)
    assert provider_rate_limit.pause(now=NOON) == reason
    if pause is None:
        return
    assert taken(1, now=NOON + pause - SECOND / 2) == 0
    assert taken(1, now=NOON + SECOND / 2, someone_waits=True) == let_in
    assert taken(1, now=NOON + pause) == 1
    assert provider_rate_limit.pause(now=NOON + pause) == ""


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


@pytest.mark.parametrize(
    ("quiet", "pause"),
    [
        *((0, 2), (8, 2), (20, 5), (100, 25), (240, 60), (599, 60)),
        *((600, 300), (4800, 1200), (10**6, 6 * 3600)),
    ],
)
def test_pauses_grow_with_the_silence(quiet, pause):
    assert polling_schedule.pause_after(timedelta(seconds=quiet)) == timedelta(seconds=pause)


@given(st.timedeltas(min_value=timedelta(seconds=2), max_value=timedelta(days=30)))
def test_jitter_only_shortens_and_never_below_two_seconds(pause):
    assert max(pause * 0.8, timedelta(seconds=2)) <= polling_schedule.jittered(pause) <= pause


@given(
    st.lists(st.floats(0, 3600), max_size=60),
    st.sampled_from([*AuthenticationStatus, "invented_tomorrow", ""]),
)
def test_the_polls_of_an_authentication_are_limited(delays, status):
    row, now, asked = FaceAuthentication(status=status, last_change_at=NOON), NOON, 0
    while (due := polling_schedule.next_poll(row, now=now)) is not None:
        assert due > now
        now = due + timedelta(seconds=delays[asked] if asked < len(delays) else 0)
        row.poll_count += 1
        asked += 1

    assert asked <= polling_schedule.MOST_PULLS
