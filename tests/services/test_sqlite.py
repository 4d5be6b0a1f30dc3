"""Concurrent requests on the database that `startproject` sets up."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_faceauth.models import FaceChallenge, StatusChange, WebhookEvent, database
from django_faceauth.simulator import webhook_sender
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.webhook_sender import client_sender, thread
from tests.threads import at_once
from tests.user_driver import capture_url_in

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_the_suite_runs_on_what_startproject_sets_up():
    """(F-21)."""
    if connection.vendor == "sqlite":
        options = connection.settings_dict["OPTIONS"]
        assert options.keys() <= {"init_command"}
        assert connection.transaction_mode is None


@pytest.mark.parametrize("crowd", [2, 8])
def test_a_crowd_starts_finishes_pays_and_reports_at_once(people, owes, crowd):
    """No step is a 500 (F-21)."""
    walkers = [people() for _ in range(crowd)]
    payments = [owes(walker) for walker in walkers]
    paths = [f"/pay/{payment.pk}/" for payment in payments]

    def each(act):
        return at_once(*[lambda at=at: act(at) for at in range(crowd)])

    starts = each(lambda at: walkers[at].is_asked(paths[at], "post"))
    pages = each(lambda at: walkers[at].presses(starts[at]))
    assert {page.status_code for page in pages} == {200}
    backs = each(lambda at: walkers[at].shows_face(capture_url_in(pages[at])))
    walkers[0].clock.shift(3)
    returned = each(lambda at: walkers[at].browser.get(backs[at]))
    assert {page.status_code for page in returned} == {302}
    paid = each(lambda at: walkers[at].browser.post(paths[at]))
    assert {page.status_code for page in paid} == {200}
    assert StatusChange.objects.filter(status="approved").count() == crowd


def test_a_transaction_of_ours_waits_for_others(person):
    """One that reads before it writes would fail at once (F-21)."""
    person.is_asked()
    turns = threading.Semaphore(0)

    def reads_and_writes():
        with database.atomic():
            number = FaceChallenge.objects.count()
            turns.release()
            threading.Event().wait(0.3)
            FaceChallenge.objects.update(max_age=100 + number)
        return True

    def writes():
        turns.acquire()
        with database.atomic():
            FaceChallenge.objects.update(reason="other")
        return True

    assert at_once(reads_and_writes, writes, reads_and_writes) == [True] * 3


def test_webhooks_come_while_people_walk(people, settings):
    """With the simulator's webhooks on, as its page tells (F-21)."""
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = "http://testserver/face/webhook/"
    walkers = [people() for _ in range(4)]
    send, over = client_sender(Client()), threading.Event()

    def delivers():
        while not over.is_set():
            webhook_sender.deliver_due(timezone.now(), send)
            threading.Event().wait(0.02)

    def walk_on():
        try:
            return at_once(*[lambda walker=walker: walker.passes() for walker in walkers])
        finally:
            over.set()

    with thread.paused():
        _nothing, pages = at_once(delivers, walk_on)

    assert [page.status_code for page in pages] == [200] * 4
    assert not WebhookEvent.objects.filter(state="failed").exists()
    assert not Delivery.objects.exclude(answer__in=["", "200"]).exists()
