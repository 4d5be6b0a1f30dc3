"""Reads of a check: which events are worth a question, and how many a check costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from benchmarks.calls import HISTORIES, History, calls
from django_faceauth.models import FaceAuthentication, WebhookEvent
from tests.provider_double import says
from tests.sweeping import sweep_for, sweep_once
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

EARLY = ("created", "opened", "started", "reset", "retry_requested", "capture_completed")
TELLING = (
    *("checks_completed", "capture_aborted", "checks_inconclusive", "link_expired"),
    *("capture_refused", "closed", "audit_completed", "anonymized", "invented_tomorrow"),
)


def tell(person, name, **changes):
    """Deliver one event about the newest authentication of a person."""
    assert deliver(event(person.authentication, name, **changes)).status_code == 200


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.what)
def test_a_check_costs_no_more_than_its_ceiling(history):
    reads, writes = calls(history, seed=1)

    assert history.most is None or reads <= history.most
    assert writes == 1 + history.tries


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("copies", [1, 3])
def test_the_order_of_webhooks_costs_nothing(seed, copies):
    """Each arrives within some seconds, and maybe again."""
    reads, _writes = calls(History("shuffled", 3, copies=copies, is_shuffled=True), seed)

    assert reads <= 3


# -- which events need an answer


def test_an_event_that_can_tell_of_no_result_costs_no_call(captured, provider):
    calls = len(provider.calls)

    for name in (*EARLY, *EARLY):
        tell(captured, name)
        captured.clock.shift(3)

    assert len(provider.calls) == calls
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert (captured.authentication.status, captured.challenge.state) == ("created", "open")


@pytest.mark.parametrize("name", TELLING)
def test_an_event_that_may_tell_of_a_result_is_asked_about(captured, provider, name):
    tell(captured, name)

    assert provider.questions == 1
    assert captured.challenge.state == "granted"


@pytest.mark.parametrize("delay", [0, 0.2, 0.9])
def test_a_result_that_a_waiting_page_has_seen_is_not_asked_about_again(captured, provider, delay):
    """Its event is a little younger than the result, as it is with the provider."""
    decided_on = timezone.now() - timedelta(seconds=1)
    captured.browser.get(f"/face/returned/{captured.challenge.handle}/")
    FaceAuthentication.objects.update(modified_on=decided_on)
    calls = len(provider.calls)

    tell(captured, "checks_completed", created_on=decided_on + timedelta(seconds=delay))
    sweep_for(captured.clock, timedelta(seconds=30))

    assert len(provider.calls) == calls


@pytest.mark.parametrize("apart", [5, 60])
def test_an_audit_is_asked_about_though_clocks_differ(approved, provider, apart):
    """A server whose clock is ahead pulled the approval; another one gets the event (G-06)."""
    FaceAuthentication.objects.update(synced_at=timezone.now() + timedelta(seconds=apart - 1))
    provider.alterations.append(says(status="declined"))

    tell(approved, "audit_completed")

    assert (approved.authentication.status, approved.challenge.state) == ("declined", "revoked")


@pytest.mark.parametrize(("name", "delay"), [("checks_completed", 1), ("audit_completed", 0.2)])
def test_another_result_is_asked_about(approved, provider, name, delay):
    """What comes later than the first may close the gate."""
    provider.alterations.append(says(status="declined"))
    decided_on = approved.authentication.modified_on

    tell(approved, name, created_on=decided_on + timedelta(seconds=delay))

    assert approved.challenge.state == "revoked"


# -- attempts


def test_a_second_attempt_that_fails_is_found_out_without_a_look_in_between(person, provider):
    """The status is the one that was known before; the user may try again all the same."""
    start = person.is_asked()
    for number in (1, 2):
        capture = person.is_handed_over(start)
        if number == 2:  # pressed once more: the same link, and its attempt was listed
            person.clock.shift(3)
            capture = person.is_handed_over(start)
        person.clock.shift(3)
        person.shows_face(capture, "no_camera")
        tell(person, "capture_aborted")
        statuses = list(person.authentication.attempts.values_list("status", flat=True))
        assert statuses == ["capture_aborted"] * number
        answer = person.browser.get(f"/face/status/{person.challenge.handle}/").json()
        assert answer["state"] == "retry"
        person.clock.shift(3)

    person.returns(person.shows_face(person.is_handed_over(start)))
    person.clock.shift(3)
    tell(person, "checks_completed")
    assert person.challenge.state == "granted"


# -- the next poll


def test_polls_wait_for_the_webhooks_that_come(person, provider):
    """A minute after the last of them they go on, so that a lost result is found."""
    capture = person.is_handed_over(person.is_asked())
    tell(person, "opened")
    person.clock.shift(20)
    tell(person, "started")
    person.shows_face(capture)
    sweep_for(person.clock, timedelta(seconds=55))
    assert provider.questions == 0

    sweep_for(person.clock, timedelta(seconds=10))
    assert person.challenge.state == "granted"


@pytest.mark.parametrize("late", [(), ("opened", "started"), ("opened", "capture_completed")])
@pytest.mark.parametrize("is_capture_told", [True, False])
def test_a_user_who_returns_waits_two_seconds_for_the_news(person, provider, is_capture_told, late):
    """The result's event is on its way, or was lost; early ones may arrive after the user."""
    capture = person.is_handed_over(person.is_asked())
    person.clock.shift(20)
    tell(person, "started")
    back = person.shows_face(capture)
    if is_capture_told:
        tell(person, "capture_completed")
    person.clock.shift(1)

    assert "/waiting/" in person.returns(back)["Location"]
    for name in late:
        tell(person, name)
    assert provider.questions == 0
    person.clock.shift(2)
    page = person.browser.get(f"/face/waiting/{person.challenge.handle}/")

    assert page["Location"] == "/statements/"
    assert provider.count("GET") == 2


def test_news_that_was_overtaken_puts_no_poll_off(person):
    """A user who waits on another device is asked about soon after the capture."""
    capture = person.is_handed_over(person.is_asked())
    started_on = timezone.now()
    person.clock.shift(20)
    person.shows_face(capture)
    tell(person, "capture_completed")
    planned = person.authentication.next_poll_at

    for name in ("opened", "started"):
        tell(person, name, created_on=started_on)

    assert person.authentication.next_poll_at == planned == timezone.now() + timedelta(seconds=2)


def test_old_news_puts_no_poll_off(approved, provider):
    """The audit is looked for an hour after the result, whatever was on its way for so long."""
    planned = approved.authentication.next_poll_at
    provider.alterations.append(says(status="declined"))

    for late in (0, 600, 3000):
        approved.clock.shift(late)
        for name in EARLY:
            tell(approved, name)
            tell(approved, name, created_on=timezone.now() - timedelta(hours=1))
            assert approved.authentication.next_poll_at == planned, name
    approved.clock.shift(60)
    sweep_once()

    assert approved.challenge.state == "revoked"


def test_replays_put_no_poll_off(person):
    """Events of before what we hold, however many there are."""
    person.is_handed_over(person.is_asked())
    person.clock.shift(3)
    sweep_once()
    planned = person.authentication.next_poll_at

    for seconds in range(1, 20):
        tell(person, "started", created_on=timezone.now() - timedelta(seconds=4 * seconds))

    assert person.authentication.next_poll_at == planned
