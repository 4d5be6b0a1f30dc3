"""Health, for monitoring (D-13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from django_faceauth.models import (
    Erasure,
    ErasureTask,
    FaceAuthentication,
    ReviewCase,
)
from django_faceauth.services.flow import finish
from django_faceauth.services.monitoring import health
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.database


def report() -> health.Health:
    return health.report(now=timezone.now())


def test_nothing_is_waiting(person, django_assert_max_num_queries):
    """Cheap, as several monitors may ask every few seconds."""
    assert report() == health.Health()
    assert report().is_good
    person.passes("/statements/")
    case = ReviewCase.objects.create(authentication=person.authentication, raised_at=timezone.now())
    assert (report().reviews_waiting, report().is_good) == (1, True)
    ReviewCase.objects.filter(pk=case.pk).update(settled_at=timezone.now())
    assert report().reviews_waiting == 0
    deliver(event(person.authentication))
    person.clock.shift(timedelta(hours=2))
    with django_assert_max_num_queries(9):
        assert report().stuck == 0


def test_the_other_environment_of_the_provider_does_not_count(person):
    """It is not swept either."""
    person.is_handed_over(person.is_asked())
    FaceAuthentication.objects.update(status="invented_tomorrow")
    assert report().unknown_statuses == 1

    FaceAuthentication.objects.update(environment="live")
    person.clock.shift(timedelta(hours=1))
    assert (report().overdue, report().unknown_statuses) == (timedelta(0), 0)


@pytest.mark.parametrize(
    ("slow_review", "quiet", "stuck"),
    [
        (False, timedelta(minutes=59), 0),
        (False, timedelta(minutes=61), 1),
        (False, timedelta(days=9), 0),
        (True, timedelta(hours=23), 0),
        (True, timedelta(hours=25), 1),
    ],
)
def test_faces_that_wait_to_be_compared_are_counted(person, slow_review, quiet, stuck):
    person.shows_face(person.is_handed_over(person.is_asked()))
    finish.refresh(person.authentication, source="poll", now=timezone.now())
    assert person.authentication.status == "checks_in_progress"
    FaceAuthentication.objects.update(created_at=timezone.now())  # the database's own clock
    person.clock.shift(quiet)

    with override_settings(FACEAUTH_SLOW_REVIEW=slow_review):
        assert report().stuck == stuck


def test_the_delay_of_webhooks_is_that_of_the_last_hour(clock, db):
    for seconds in range(1, 21):
        made = timezone.now() - timedelta(seconds=seconds)
        deliver(event("fav_" + "b" * 26, created_on=made))

    assert report().delay == timedelta(seconds=10.5)
    assert report().delay_95 == timedelta(seconds=19.05)
    assert report().newest_event == timedelta(0)

    # From the future: the clocks differ.
    deliver(event("fav_" + "b" * 26, created_on=timezone.now() + timedelta(seconds=7)))
    assert report().delay == timedelta(seconds=10)

    clock.shift(timedelta(hours=1))
    assert (report().delay, report().delay_95) == (None, None)
    assert report().newest_event == timedelta(hours=1)


@pytest.mark.parametrize(
    ("environment", "refused", "overdue"),
    [("sandbox", 2, timedelta(minutes=6)), ("live", 0, timedelta(0))],
)
def test_erasures_that_do_not_go_on(clock, db, environment, refused, overdue):
    now = timezone.now()
    erasure = Erasure.objects.create(who="1", reason="request", requested_at=now)
    tasks = [
        *[("refused", None)] * 2,
        ("due", now - timedelta(minutes=6)),
        ("due", now + timedelta(hours=1)),
        ("done", None),
    ]
    for number, (state, due_at) in enumerate(tasks):
        ErasureTask.objects.create(
            erasure=erasure, digest=number, environment=environment, state=state, due_at=due_at
        )

    assert (report().erasures_refused, report().erasure_overdue) == (refused, overdue)
    assert len([*report().troubles()]) == (2 if environment == "sandbox" else 0)
    assert report().is_good is (environment == "live")


def test_the_command_prints_it_and_fails_when_it_is_bad(person, provider, capsys):
    call_command("faceauth_sync", "--health")
    told = capsys.readouterr().out
    assert "backlog: 0\n" in told
    assert "newest_event: \n" in told

    person.is_handed_over(person.is_asked())
    person.clock.shift(timedelta(hours=1))
    with pytest.raises(CommandError):
        call_command("faceauth_sync", "--health")
    with override_settings(FACEAUTH_SECRET_KEY="sk_sbox_other"):
        assert report().pause == ""
