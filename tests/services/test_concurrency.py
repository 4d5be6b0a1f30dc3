"""Concurrent requests, and collisions of transactions."""

from __future__ import annotations

import threading
from collections import Counter, deque
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from django_faceauth.models import (
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    Lockout,
    StatusChange,
    WebhookEvent,
    database,
)
from django_faceauth.services import limits
from django_faceauth.services.grants.grants import MOST_OPEN
from django_faceauth.services.review import user_reports
from django_faceauth.simulator import webhook_sender
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.webhook_sender import thread
from tests.threads import at_once
from tests.user_driver import capture_url_in
from tests.webhook_deliveries import client_sender

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

#: SQLite lets one write at a time: a race there is a queue, and a long one.
TABS, STARTS, THREADS = (6, 24, 8) if connection.vendor == "sqlite" else (20, 80, 24)


def all_at_once(starts: list[tuple[Client, str]]) -> list[int]:
    """Press all these buttons; return the status codes."""
    left = deque(starts)

    def presses():
        codes = []
        with suppress(IndexError):
            while True:
                browser, start = left.popleft()
                codes.append(browser.post(start).status_code)
        return codes

    return [code for codes in at_once(*[presses] * THREADS) for code in codes]


def asked_elsewhere(person):
    """Ask the same person in another session."""
    person.browser = person.new_browser()
    return person.browser, person.is_asked()


def browser_of(person):
    browser = Client()
    browser.cookies = person.browser.cookies
    return browser


def test_many_tabs_start_one_attempt(person, provider):
    """One hands over, the others wait or are given the same link (D-08, TH-36)."""
    start = person.is_asked()

    answers = at_once(*[lambda: browser_of(person).post(start)] * TABS)

    assert {response.status_code for response in answers} <= {200, 302}
    assert any(response.status_code == 200 for response in answers)
    assert provider.attempts_bought == 1
    assert FaceAuthentication.objects.count() == FaceAttempt.objects.count() == 1


def test_many_returns_grant_once(person, provider):
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(3)
    asked = provider.count("GET")

    answers = at_once(*[lambda: browser_of(person).get(back)] * TABS)

    # One that arrives after the key was rotated is asked to come again with the new one.
    late = [answer for answer in answers if answer.status_code != 302]
    assert all(b"?again=1" in answer.content and not answer.cookies for answer in late)
    assert provider.count("GET") == asked + 2  # the authentication and its attempts
    assert FaceChallenge.objects.get().state == "granted"
    assert FaceAuthentication.objects.get().status_changes.filter(status="approved").count() == 1


def test_many_starts_buy_three_attempts(person, provider):
    """Counted under a lock, before anything is made at the provider (R-01, TH-25)."""
    starts = [asked_elsewhere(person) for _ in range(MOST_OPEN)]

    codes = all_at_once(starts)

    assert Counter(codes) == {200: 3, 429: MOST_OPEN - 3}
    assert provider.attempts_bought == 3
    assert provider.count("POST") == 6  # each with its authentication


def test_many_starts_of_all_users_stay_within_the_limit_of_the_site(people, provider, settings):
    """R-03."""
    settings.FACEAUTH_RATE_LIMITS = {"site": "5/h"}
    crowd = [people() for _ in range(TABS)]
    starts = [asked_elsewhere(one) for one in crowd for _ in range(STARTS // len(crowd))]

    codes = all_at_once(starts)

    assert Counter(codes) == {200: 5, 429: len(starts) - 5}
    assert provider.attempts_bought == 5


def test_the_fifth_decline_found_by_many_locks_out_once(person):
    """R-02."""
    now = timezone.now()
    for second in range(5):
        row = FaceAuthentication.objects.create(user=person.user, environment="sandbox")
        row.status_changes.create(
            status="declined", source="poll", at=now - timedelta(seconds=second)
        )

    at_once(*[lambda: limits.note_decline(person.user.pk, now=now)] * TABS)

    assert Lockout.objects.count() == 1


LEVELS = ["read committed", "repeatable read"] if connection.vendor == "mysql" else ["default"]
ROUNDS = 10


@pytest.fixture(params=LEVELS)
def _isolated(request, monkeypatch):
    if request.param != "default":
        options = connections.settings[connection.alias]["OPTIONS"]
        monkeypatch.setitem(options, "isolation_level", request.param)
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", request.param)
        connections.close_all()
    yield
    connections.close_all()


@pytest.mark.usefixtures("_isolated")
def test_refused_requests_of_one_session_at_once(person, owes):
    """Each is asked, and all the same thing (D-08, F-22)."""
    for number in range(ROUNDS):
        path = f"/pay/{owes(person, amount=str(number + 1)).pk}/"
        browsers = [browser_of(person) for _ in range(3)]

        answers = at_once(*[lambda one=one, path=path: one.post(path) for one in browsers])

        assert {answer.status_code for answer in answers} == {302}
        assert len({answer["Location"] for answer in answers}) == 1
        assert FaceChallenge.objects.filter(state="open").count() == number + 1


@pytest.mark.usefixtures("_isolated")
def test_a_report_while_a_payment_runs(people, owes):
    """Neither is lost (F-22)."""
    for number in range(ROUNDS):
        person = people()
        path = f"/pay/{owes(person, amount=str(number + 1)).pk}/"
        person.proves(person.is_asked(path, "post"))
        asked = person.challenge

        paid, reported = at_once(
            lambda path=path, person=person: browser_of(person).post(path).status_code,
            lambda asked=asked: user_reports.report(asked, now=timezone.now()),
        )

        assert paid in {200, 302, 409, 429}
        assert reported
        assert Lockout.objects.filter(user=person.user).count() == 1


class Deadlock(Exception):
    """What a driver raises."""

    sqlstate = "40P01"


def collides(times, code=1213 if connection.vendor == "mysql" else "deadlock"):
    """Return work that collides so many times, and how often it was tried."""
    tries = []

    @database.repeated
    def work():
        with database.atomic():
            FaceChallenge.objects.update(reason="tried")
            tries.append(1)
            if len(tries) <= times:
                raise OperationalError(code) from (None if code == "gone away" else Deadlock())
        return len(tries)

    return work, tries


def test_a_collision_is_repeated_once():
    """Once; in a transaction of the site it is left to the site, as any other error (F-22)."""
    work, _tries = collides(1)
    assert work() == 2

    work, tries = collides(2)
    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 2

    work, tries = collides(1)
    with pytest.raises(OperationalError), transaction.atomic():
        work()
    assert len(tries) == 1

    work, tries = collides(1, "gone away")
    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 1


def test_the_suite_runs_on_what_startproject_sets_up():
    """(F-21)."""
    if connection.vendor == "sqlite":
        options = connection.settings_dict["OPTIONS"]
        assert options.keys() <= {"init_command"}
        assert connection.transaction_mode is None


@pytest.mark.parametrize("crowd", [2, 8])
def test_a_crowd_starts_finishes_pays_and_reports_at_once(people, owes, crowd):
    """No step is a 500 (F-21)."""
    users = [people() for _ in range(crowd)]
    payments = [owes(user) for user in users]
    paths = [f"/pay/{payment.pk}/" for payment in payments]

    def each(act):
        return at_once(*[lambda at=at: act(at) for at in range(crowd)])

    starts = each(lambda at: users[at].is_asked(paths[at], "post"))
    pages = each(lambda at: users[at].presses(starts[at]))
    assert {page.status_code for page in pages} == {200}
    backs = each(lambda at: users[at].shows_face(capture_url_in(pages[at])))
    users[0].clock.shift(3)
    returned = each(lambda at: users[at].browser.get(backs[at]))
    assert {page.status_code for page in returned} == {302}
    paid = each(lambda at: users[at].browser.post(paths[at]))
    assert {page.status_code for page in paid} == {200}
    assert StatusChange.objects.filter(status="approved").count() == crowd


def test_webhooks_come_during_face_checks(people, settings):
    """With the simulator's webhooks on, as its page tells (F-21)."""
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = "http://testserver/face/webhook/"
    users = [people() for _ in range(4)]
    send, over = client_sender(Client()), threading.Event()

    def delivers():
        while not over.is_set():
            webhook_sender.deliver_due(timezone.now(), send)
            threading.Event().wait(0.02)

    def pass_all():
        try:
            return at_once(*[lambda user=user: user.passes() for user in users])
        finally:
            over.set()

    with thread.paused():
        _nothing, pages = at_once(delivers, pass_all)

    assert [page.status_code for page in pages] == [200] * 4
    assert not WebhookEvent.objects.filter(state="failed").exists()
    assert not Delivery.objects.exclude(answer__in=["", "200"]).exists()
