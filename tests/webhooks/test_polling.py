"""Polls and sweeps when no webhook ever arrives."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_faceauth.beat import SWEEP_INTERVAL
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.background import sweep
from django_faceauth.services.sync import polling_schedule, sync
from tests.provider_double import answers
from tests.sweeping import sweep_for, sweep_once
from tests.user_driver import scripted
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.database

ENDS = {
    "10000": ("approved", "granted"),
    "62321": ("declined", "failed"),
    "63001": ("refused", "refused"),
    "64001": ("inconclusive", "failed"),
}


def known(person) -> tuple[str, str]:
    return person.authentication.status, person.challenge.state


def until_known(person, status: str, *, within: timedelta) -> timedelta:
    """Sweep until the status is known; return how long that took."""
    begun = timezone.now()
    while person.authentication.status != status:
        sweep_for(person.clock, max(timedelta(seconds=SWEEP_INTERVAL), within / 20))
        assert timezone.now() - begun <= within, person.authentication.status
    return timezone.now() - begun


# -- the true end, always (D-03, TH-39)


@pytest.mark.parametrize("script", ENDS)
def test_every_outcome_is_found_out(people, told, script):
    person = people(scripted(script))
    person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(2)

    until_known(person, ENDS[script][0], within=timedelta(seconds=60))

    assert known(person) == ENDS[script]
    assert told.names()[-1] == f"challenge_{'granted' if script == '10000' else 'refused'}"


@pytest.mark.parametrize(("how", "end"), [("A", "10000"), ("I", "62321")])
def test_a_second_try_is_found_out(people, how, end):
    person = people(scripted(f"61402{how}{end}"))
    start = person.is_asked()
    person.shows_face(person.is_handed_over(start))
    person.clock.shift(2)
    until_known(person, "retry_required", within=timedelta(seconds=60))

    person.shows_face(person.is_handed_over(start))
    person.clock.shift(2)
    until_known(person, ENDS[end][0], within=timedelta(seconds=60))

    assert known(person) == ENDS[end]
    statuses = person.authentication.attempts.values_list("status", flat=True)
    assert statuses[0] == "completed"


@pytest.mark.parametrize("minutes", [1, 9])
def test_a_late_capture_is_found_out_within_a_minute(person, minutes):
    capture = person.is_handed_over(person.is_asked())
    sweep_for(person.clock, timedelta(minutes=minutes, seconds=10))
    person.shows_face(capture)
    person.clock.shift(2)

    until_known(person, "approved", within=timedelta(seconds=70))


def test_a_link_that_is_never_opened_is_found_out(person):
    person.is_handed_over(person.is_asked())
    sweep_for(person.clock, timedelta(minutes=15))

    until_known(person, "retry_required", within=timedelta(minutes=5))

    assert person.authentication.next_poll_at is None


# -- no more questions than needed (D-04)


def test_a_poll_before_the_capture_dates_the_face_in_five_statements(person):
    """Beside those that frame a transaction."""
    capture = person.is_handed_over(person.is_asked())
    until_known(person, "pending", within=timedelta(seconds=60))
    person.clock.shift(60)
    row = person.authentication
    sync.pull_attempts(row, now=timezone.now())  # else each poll looks for one that we missed
    with CaptureQueriesContext(connection) as queries:
        assert sweep.poll(row.pk, now=timezone.now())
    polled_at = timezone.now()
    person.clock.shift(30)
    person.shows_face(capture)

    until_known(person, "approved", within=timedelta(seconds=60))

    sent = [query["sql"] for query in queries if "simulator" not in query["sql"]]
    sent = [sql for sql in sent if sql.startswith(("SELECT", "INSERT", "UPDATE"))]
    assert len(sent) <= 5, sent
    assert person.challenge.verified_at == polled_at


def test_forty_polls_in_the_life_of_an_authentication(person, provider):
    with override_settings(FACEAUTH_SIMULATOR_CHECK_SECONDS=10**8):
        person.shows_face(person.is_handed_over(person.is_asked()))
        for _ in range(80):
            person.clock.shift(timedelta(minutes=90))
            sweep_once()
            person.browser.get(f"/face/returned/{person.challenge.handle}/")
            person.browser.get(f"/face/status/{person.challenge.handle}/")

    assert person.authentication.status == "checks_in_progress"
    assert 20 < provider.questions <= polling_schedule.MOST_PULLS


def test_failed_polls_count_too_and_come_to_an_end(captured, provider):
    provider.troubles.extend([answers(503)] * 200)

    for _ in range(200):
        captured.clock.shift(timedelta(minutes=30))
        sweep_once()

    assert provider.questions <= polling_schedule.MOST_PULLS
    FaceAuthentication.objects.update(
        poll_count=polling_schedule.MOST_PULLS, next_poll_at=timezone.now()
    )
    asked = provider.questions
    sweep_once()
    assert (provider.questions, captured.authentication.next_poll_at) == (asked, None)


def test_one_that_was_asked_about_too_often_is_not_used_again(person, provider):
    start = person.is_asked()
    person.is_handed_over(start)
    FaceAuthentication.objects.update(poll_count=polling_schedule.MOST_POLLS)

    person.is_handed_over(start)

    assert FaceAuthentication.objects.count() == 2
    assert person.authentication.poll_count == 0


def test_news_is_worth_a_question_beyond_all_limits(approved, provider):
    FaceAuthentication.objects.update(poll_count=polling_schedule.MOST_PULLS + 60)
    provider.alterations.append(
        lambda data: data.update(status="declined", modified_on=timezone.now().isoformat())
    )

    deliver(event(approved.authentication, "audit_completed"))

    assert approved.authentication.status == "declined"
    assert FaceChallenge.objects.get().state == "revoked"


def test_a_backlog_stays_within_the_budget(person, provider):
    """A sweeper that was down comes back to very many due rows (TH-40)."""
    person.is_handed_over(person.is_asked())
    person.clock.shift(3)
    row = person.authentication
    fav = row.provider_id
    FaceAuthentication.objects.filter(pk=row.pk).update(next_poll_at=None)
    FaceAuthentication.objects.bulk_create(
        FaceAuthentication(
            provider_id=f"{fav[:-4]}{number:04}",
            user=person.user,
            applicant_id=row.applicant_id,
            user_journey_id=row.user_journey_id,
            environment=row.environment,
            status="pending",
            next_poll_at=timezone.now(),
        )
        for number in range(120)
    )
    provider.alterations.clear()

    asked = []
    for _ in range(60):
        before = provider.questions
        for _ in range(3):  # several sweepers at once
            sweep_once()
        asked.append(provider.questions - before)
        person.clock.shift(0.5)

    assert max(sum(pair) for pair in pairwise(asked)) <= 21
    assert sum(asked) >= 120
    assert not FaceAuthentication.objects.filter(poll_count=0, next_poll_at__isnull=False).exists()


def test_when_the_provider_asks_to_wait_all_wait(people, provider):
    """For as long as it says, no matter which call it was (P-06)."""
    seconds = 30
    two = [people(), people()]
    for person in two:
        person.shows_face(person.is_handed_over(person.is_asked()))
    clock = two[0].clock
    clock.shift(3)
    asked = provider.questions
    provider.troubles.append(answers(429, **{"Retry-After": str(seconds)}))

    sweep_once()
    clock.shift(seconds - 1)
    sweep_once()
    two[1].browser.get(f"/face/returned/{two[1].challenge.handle}/")
    assert provider.questions == asked + 1

    sweep_for(clock, timedelta(seconds=60))
    assert [person.challenge.state for person in two] == ["granted", "granted"]


def test_without_access_the_background_stops_and_users_do_not(captured, provider, caplog):
    """One alarm and no more polls; the next user finds out at once that it works again."""
    provider.troubles.append(answers(401))
    sweep_once()
    asked = provider.questions
    assert "polling stopped" in caplog.text

    sweep_for(captured.clock, timedelta(minutes=4))
    assert provider.questions == asked

    captured.browser.get(f"/face/returned/{captured.challenge.handle}/")
    assert captured.authentication.status == "approved"


def test_a_row_is_claimed_by_one_sweep(captured):
    """If that dies, the row is due again; one of the other environment or gone does no harm."""
    first = sweep.claim_due(now=timezone.now())
    assert first.authentications == (captured.authentication.pk,)
    assert sweep.claim_due(now=timezone.now()) == sweep.Due()

    captured.clock.shift(60)
    FaceAuthentication.objects.update(environment="live")
    assert sweep.claim_due(now=timezone.now()) == sweep.Due()

    FaceAuthentication.objects.update(environment="sandbox")
    with override_settings(FACEAUTH_SECRET_KEY=""):  # loses nothing
        sweep_once()
    sweep_for(captured.clock, timedelta(seconds=70))
    assert captured.authentication.status == "approved"
    assert sweep.poll(0, now=timezone.now()) is False


def test_abandoned_challenges_are_closed(person):
    """After an hour; the slot is free, and a new one is asked next time."""
    person.is_asked()
    sweep_for(person.clock, timedelta(minutes=59))
    assert person.challenge.state == "open"

    sweep_for(person.clock, timedelta(minutes=2))

    assert (person.challenge.state, person.challenge.reason) == ("expired", "abandoned")
    assert person.challenge.dedup_key is None
    person.is_asked()
    assert person.challenge.state == "open"


def test_a_question_with_a_long_window_stays_open_for_it(person):
    """A gate may let a face count for longer than an hour."""
    person.is_handed_over(person.is_asked())
    FaceChallenge.objects.update(max_age=2 * 3600)

    sweep_for(person.clock, timedelta(hours=2))
    assert person.challenge.state == "open"
    sweep_for(person.clock, timedelta(minutes=15))
    assert person.challenge.state == "expired"
