"""`manage.py faceauth_sync`."""

from __future__ import annotations

import os
import re
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import override_settings

from django_faceauth.management.arguments import moment
from django_faceauth.signals import status_changed
from tests.provider_double import answers

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_it_polls_what_is_due_and_ends(captured, provider, capsys):
    """Trouble with the provider ends nothing; without work nothing is printed."""
    provider.troubles.append(answers(503))
    call_command("faceauth_sync")
    assert captured.challenge.state == "open"
    captured.clock.shift(61)
    capsys.readouterr()

    call_command("faceauth_sync")
    assert captured.challenge.state == "granted"
    assert re.findall(r"\d+", capsys.readouterr().out) == ["0", "1", "0"]

    call_command("faceauth_sync")
    assert capsys.readouterr().out == ""


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


def test_after_an_outage_everything_since_is_asked_again(captured, provider, capsys):
    call_command("faceauth_sync")
    asked = provider.questions
    captured.clock.shift(60)

    call_command("faceauth_sync", "--since", "1h")
    assert provider.questions == asked + 1

    captured.clock.shift(60)
    call_command("faceauth_sync", "--since", "1m")  # the row is older
    assert provider.questions == asked + 1


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("90m", NOON - timedelta(minutes=90)),
        *(("6h", NOON - timedelta(hours=6)), ("2d", NOON - timedelta(days=2))),
        ("999999d", datetime(2000, 1, 1, tzinfo=UTC)),  # (F-41): longer than there are years
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01 10:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_since(clock, text, since):
    with override_settings(TIME_ZONE="UTC"):
        assert moment(text) == since


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "", "6", "9999999h", "2026-13-01 10:00"),
        *("0001-01-01 00:00", "9999-12-31T23:59:59-12:00"),  # (F-41)
    ],
)
def test_since_must_be_a_moment(text):
    with pytest.raises(CommandError):
        call_command("faceauth_sync", "--since", text)


@pytest.fixture
def _handlers():
    """Give the handlers of signals back that the command replaces."""
    former = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in former.items():
        signal.signal(name, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_watches_until_it_is_stopped(captured, name):
    threading.Timer(1.0, os.kill, (os.getpid(), name)).start()

    call_command("faceauth_sync", "--watch")

    assert captured.challenge.state == "granted"


@pytest.mark.usefixtures("_handlers")
def test_a_database_that_is_away_does_not_end_the_watch(captured, capsys):
    def breaks(execute, sql, params, many, context):
        os.kill(os.getpid(), signal.SIGTERM)  # an operator stops the command then
        raise OperationalError

    with connection.execute_wrapper(breaks):
        call_command("faceauth_sync", "--watch")

    assert "OperationalError" in capsys.readouterr().err
