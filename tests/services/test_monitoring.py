"""Health and statistics, for monitoring (D-13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from django_faceauth.models import (
    Erasure,
    ErasureTask,
    FaceAttempt,
    FaceAuthentication,
    ReviewCase,
    StatusChange,
    WebhookEvent,
)
from django_faceauth.services.flow import finish
from django_faceauth.services.monitoring import health, statistics
from tests.user_driver import scripted
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


@pytest.mark.parametrize("script", ["10000", "62321", "61402A10000"])
def test_calls_are_counted_as_the_provider_counts_them(people, provider, script):
    person = people(scripted(script))
    start = person.is_asked()
    person.proves(start)
    if "A" in script:
        person.proves(start)

    assert report().reads_per_check == provider.count("GET")
    assert report().writes_per_check == provider.count("POST")
    assert report().is_good


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


def collect(days=7, **more):
    return statistics.collect(days=days, now=timezone.now(), **more)


def seconds(number):
    return timedelta(seconds=number)


@pytest.fixture
def history(person):
    def make(status="approved", *, ago=60, took=30, code=None, previous="checks_in_progress"):
        at = timezone.now() - seconds(ago)
        number = FaceAuthentication.objects.count()
        row = FaceAuthentication.objects.create(
            user=person.user, provider_id=f"fav_{number}", status=status, code=code
        )
        FaceAuthentication.objects.filter(pk=row.pk).update(created_at=at - seconds(took))
        FaceAttempt.objects.create(
            authentication=row,
            provider_id=f"fatp_{number}",
            created_at=at - seconds(took),
            capture_not_before=at,
        )
        StatusChange.objects.create(
            authentication=row, previous=previous, status=status, source="poll", at=at
        )
        return row

    return make


def told_of(found):
    return {name: sum(counts) for name, counts in found.outcomes.items() if sum(counts)}


def test_what_users_did_is_counted(people):
    people().passes("/statements/")
    people(scripted("62321")).passes("/statements/")
    people().passes("/statements/", "no_camera")
    people().passes("/statements/", "refuse")

    found = collect(with_fraud=True)

    assert told_of(found) == {"approved": 1, "declined": 1, "retry_required": 1, "refused": 1}
    assert found.reasons == ((61203, 1), (62321, 1), (63001, 1))
    assert found.time_to_result.size == 2
    assert seconds(0) < found.time_to_result.median < seconds(60)


def test_days_are_those_of_utc(history, clock):
    """Today counts from midnight; the window begins at the midnight of its first day."""
    clock.move_to(datetime(2026, 3, 1, 0, 30, tzinfo=UTC))
    history(ago=10)
    history(ago=3600)
    history("declined", ago=6 * 86400)
    history("declined", ago=7 * 86400)

    found = collect(7)

    assert found.starts[0] == datetime(2026, 2, 23, tzinfo=UTC)
    assert found.starts[-1] == datetime(2026, 3, 1, tzinfo=UTC)
    assert found.outcomes["approved"] == (0, 0, 0, 0, 0, 1, 1)
    assert found.outcomes["declined"] == (1, 0, 0, 0, 0, 0, 0)


def test_fraud_codes_are_one_reason_for_who_may_not_see_them(history):
    """V-12: neither which, nor how many kinds."""
    for code in (62305, 62321, 62403, 61203):
        history("declined", code=code)

    for code in (61203, 61402, 10000, None):
        history("retry_required", code=code)

    hidden, shown = collect().reasons, collect(with_fraud=True).reasons

    assert hidden == ((None, 3), (61203, 2), (61402, 1))
    assert [code for code, _count in shown] == [61203, 61402, 62305, 62321, 62403]


def test_times_are_a_median_and_a_percentile(history):
    found = collect()
    assert (told_of(found), found.reasons) == ({}, ())
    assert (found.time_to_result, found.webhook_delay) == (None, None)
    history("checks_in_progress")  # not an outcome
    history("invented_tomorrow")
    assert told_of(collect()) == {}
    history(took=1)
    assert collect().time_to_result == statistics.Spread(seconds(1), seconds(1), 1)
    for took in range(2, 101):
        history(took=took)

    found = collect().time_to_result

    assert (found.median, found.p95, found.size) == (seconds(50.5), seconds(95.05), 100)


def test_a_second_attempt_is_timed_by_itself(history):
    """The person came back an hour later."""
    row = history(took=3600)
    FaceAttempt.objects.create(
        authentication=row,
        provider_id="fatp_again",
        created_at=timezone.now() - seconds(60 + 20),
        capture_not_before=timezone.now(),
    )

    assert collect().time_to_result.median == seconds(20)


def test_a_result_that_an_audit_turned_round_is_not_timed_again(history):
    row, facts = history(ago=7200, took=20), {"previous": "approved", "status": "declined"}
    StatusChange.objects.create(authentication=row, source="webhook", at=timezone.now(), **facts)

    found = collect()

    assert (found.time_to_result.size, found.time_to_result.median) == (1, seconds(20))
    assert told_of(found) == {"approved": 1, "declined": 1}


def test_the_newest_are_the_sample(history, person):
    now, half = timezone.now(), statistics.SAMPLE // 2
    history(ago=3600, took=900)
    rows = FaceAuthentication.objects.bulk_create(
        FaceAuthentication(user=person.user) for _number in range(statistics.SAMPLE)
    )
    StatusChange.objects.bulk_create(
        StatusChange(authentication=row, status=status, source="poll", at=now - seconds(number))
        for number, row in enumerate(rows)
        for status in [("approved", "declined")[number // half]]
    )
    begun = now - seconds(statistics.SAMPLE)
    FaceAttempt.objects.bulk_create(
        FaceAttempt(
            authentication=row, provider_id=row.pk, created_at=begun, capture_not_before=begun
        )
        for row in rows
    )

    found = collect().time_to_result

    assert (found.size, found.median) == (statistics.SAMPLE, seconds(half + 0.5))


def test_an_authentication_counts_once(history, clock):
    """A day and in total, however often it came to the same result."""
    clock.move_to(datetime(2026, 3, 2, 12, tzinfo=UTC))
    row = history("retry_required", ago=86400)
    for ago in (86300, 60, 50):
        StatusChange.objects.create(
            authentication=row,
            status="retry_required",
            source="poll",
            at=timezone.now() - seconds(ago),
        )

    found = collect()

    assert found.outcomes["retry_required"][-2:] == (1, 1)
    assert found.totals == {"retry_required": 1}


def test_webhook_delay_is_from_event_to_arrival(person):
    for delay in (1, 2, 9, -5):
        WebhookEvent.objects.create(
            event_id=f"evt_{delay}",
            state="processed",
            received_at=timezone.now(),
            created_on=timezone.now() - seconds(delay),
        )
    WebhookEvent.objects.create(event_id="x", state="failed", received_at=timezone.now())

    found = collect().webhook_delay

    assert (found.median, found.p95, found.size) == (seconds(1.5), seconds(7.95), 4)


def test_as_many_statements_for_many_rows_as_for_few(history, django_assert_max_num_queries):
    for number in range(60):
        history("declined", code=62300 + number % 7, ago=number * 86400)

    with django_assert_max_num_queries(17):
        collect(90)
