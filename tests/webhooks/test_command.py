"""`manage.py faceauth_sync`."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import override_settings
from django.utils import timezone

from django_faceauth.management.arguments import moment
from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.provider import webhook_payloads
from django_faceauth.services.background import webhook_events
from django_faceauth.signals import status_changed
from tests.provider_double import answers
from tests.webhook_deliveries import event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_it_takes_up_what_is_due_and_ends(captured, capsys):
    call_command("faceauth_sync")

    assert captured.challenge.state == "granted"
    assert re.findall(r"\d+", capsys.readouterr().out) == ["0", "1", "0"]


def test_it_takes_up_events_that_were_left_behind(captured):
    """Whoever was to act upon it died."""
    FaceAuthentication.objects.update(next_poll_at=None)
    notice = notice_about(captured)
    webhook_events.store(notice, size=1, now=timezone.now())
    captured.clock.shift(61)

    call_command("faceauth_sync")

    assert WebhookEvent.objects.get().state == "processed"
    assert captured.challenge.state == "granted"


def test_with_one_thread_it_works_in_the_thread_that_calls_it(captured):
    """(F-80): packages such as django-tenants choose the schema for each thread."""
    threads = set()

    def notes(**_facts):
        threads.add(threading.current_thread())

    status_changed.connect(notes)
    try:
        call_command("faceauth_sync", "--threads", "1")
    finally:
        status_changed.disconnect(notes)

    assert captured.challenge.state == "granted"
    assert threads == {threading.current_thread()}


def test_nothing_is_due(db, capsys):
    call_command("faceauth_sync")

    assert capsys.readouterr().out == ""


def test_after_an_outage_everything_since_is_asked_again(captured, provider, capsys):
    call_command("faceauth_sync")
    asked = provider.questions
    captured.clock.shift(60)

    call_command("faceauth_sync", "--since", "1h")

    assert provider.questions == asked + 1


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90m", timedelta(minutes=90)), ("6h", timedelta(hours=6)), ("2d", timedelta(days=2))],
)
def test_how_since_is_written(clock, text, ago):
    assert moment(text) == timezone.now() - ago


def test_since_may_be_a_very_long_time(db):
    """(F-41): longer than there are years."""
    call_command("faceauth_sync", "--since", "999999d")


@pytest.mark.parametrize("text", ["2026-03-01T10:00:00Z", "2026-03-01 10:00"])
def test_since_may_be_a_date(text):
    with override_settings(TIME_ZONE="UTC"):
        assert moment(text) == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "", "6", "9999999h", "2026-13-01 10:00"),
        *("0001-01-01 00:00", "9999-12-31T23:59:59-12:00"),  # (F-41)
    ],
)
def test_since_must_be_understood(text):
    with pytest.raises(CommandError):
        call_command("faceauth_sync", "--since", text)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_watches_until_it_is_stopped(captured, name):
    """What is due is taken up, and a signal ends it in good order."""
    former = signal.getsignal(name)
    threading.Timer(1.0, os.kill, (os.getpid(), name)).start()
    try:
        call_command("faceauth_sync", "--watch")
    finally:
        signal.signal(name, former)

    assert captured.challenge.state == "granted"


def test_a_database_that_is_away_does_not_end_the_watch(captured, capsys):
    """It may be back for the next sweep."""
    stops_after_trouble = Stopping()
    former = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)]
    try:
        with connection.execute_wrapper(stops_after_trouble):
            call_command("faceauth_sync", "--watch")
    finally:
        for name, handler in zip((signal.SIGINT, signal.SIGTERM), former, strict=True):
            signal.signal(name, handler)

    assert stops_after_trouble.asked
    assert "OperationalError" in capsys.readouterr().err


def test_trouble_with_the_provider_ends_nothing(captured, provider):
    provider.troubles.append(answers(503))

    call_command("faceauth_sync")
    assert captured.challenge.state == "open"
    captured.clock.shift(61)
    call_command("faceauth_sync")

    assert captured.challenge.state == "granted"


class Stopping:
    """A database that is away, and somebody who then stops the command."""

    asked = 0

    def __call__(self, execute, sql, params, many, context):
        self.asked += 1
        os.kill(os.getpid(), signal.SIGTERM)
        raise OperationalError


def notice_about(person):
    """Return what an event about a person's authentication says."""
    return webhook_payloads.read(json.dumps(event(person.authentication)).encode())
