"""The polling schedule (D-04)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.models import FaceAuthentication
from django_faceauth.services.sync import polling_schedule
from django_faceauth.statuses import AuthenticationStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUSES = st.sampled_from([*AuthenticationStatus, "invented_tomorrow", ""])


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


@given(st.lists(st.floats(0, 3600), max_size=60), STATUSES)
def test_the_polls_of_an_authentication_are_limited(delays, status):
    """However late each is made, the next lies ahead, and they come to an end."""
    row, now, asked = FaceAuthentication(status=status, last_change_at=NOON), NOON, 0
    while (due := polling_schedule.next_poll(row, now=now)) is not None:
        assert due > now
        now = due + timedelta(seconds=delays[asked] if asked < len(delays) else 0)
        row.poll_count += 1
        asked += 1

    assert asked <= polling_schedule.MOST_PULLS


def test_audits_follow_the_decision():
    row = FaceAuthentication(status="approved", last_change_at=NOON)
    now, due = NOON, []
    while (moment := polling_schedule.next_poll(row, now=now)) is not None:
        due.append(moment - NOON)
        now = moment

    assert due == [timedelta(hours=1), timedelta(hours=24), timedelta(days=7)]


def test_nothing_is_polled_that_was_erased_or_just_created():
    erased = FaceAuthentication(status="approved", last_change_at=NOON, erased_at=NOON)
    created = FaceAuthentication(status="created", last_change_at=NOON)

    assert polling_schedule.next_poll(erased, now=NOON) is None
    assert polling_schedule.after_change(created, now=NOON) is None
    assert polling_schedule.next_poll(created, now=NOON) is None
