"""Webhook events with each runner."""

from __future__ import annotations

import pytest
from django import VERSION
from django.core.management import call_command
from django.test import override_settings

from django_faceauth.models import WebhookEvent
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_an_event_becomes_one_job(captured, runner, provider):
    """After the answer; with workers, nothing else is done in the request."""
    asked = provider.questions
    envelope = event(captured.authentication)

    assert deliver(envelope).status_code == 200
    assert deliver(envelope).status_code == 200  # a redelivery enqueues nothing (W-06)
    deliver({"id": "evt_" + "z" * 26, "type": "identity_verification_started", "data": {}})

    row = WebhookEvent.objects.earliest("pk")
    if runner.name != "request":
        assert runner.waiting() == [("process_event", [row.pk])]
        assert (row.state, provider.questions) == ("stored", asked)
    runner.work()
    row.refresh_from_db()
    assert (row.state, row.tries) == ("processed", 1)
    assert captured.challenge.state == "granted"
    assert runner.waiting() == []


def test_a_job_that_is_lost_is_found_by_the_sweep(captured, runner):
    with override_settings(FACEAUTH_SECRET_KEY=""):  # web processes cannot do it either
        deliver(event(captured.authentication))
    runner.lose()
    captured.clock.shift(61)

    call_command("faceauth_sync")

    assert captured.challenge.state == "granted"
    runner.work()
    assert WebhookEvent.objects.get().tries <= 2


def test_a_job_that_runs_twice_finds_nothing_left_to_do(captured, runner, provider):
    deliver(event(captured.authentication))
    captured.clock.shift(61)
    call_command("faceauth_sync")  # as when a worker is late
    asked = provider.questions

    runner.work()

    row = WebhookEvent.objects.get()
    assert (row.state, row.tries, provider.questions) == ("processed", 1, asked)


def test_a_job_that_fails_is_tried_again_by_the_sweep(captured, runner):
    """A task does not fail with it: the row says what happened, and when to try again."""
    with override_settings(FACEAUTH_SECRET_KEY=""):
        deliver(event(captured.authentication))
        runner.work()
    row = WebhookEvent.objects.get()
    assert (row.state, row.error, row.tries) == ("stored", "ConfigurationError", 1)
    captured.clock.shift(61)

    call_command("faceauth_sync")

    assert captured.challenge.state == "granted"


@pytest.mark.enable_socket
def test_what_the_runner_does_not_take_is_left_to_the_sweep(captured, runner, caplog):
    with runner.refusing():
        assert deliver(event(captured.authentication)).status_code == 200

    is_left = runner.name != "request"
    assert ("event left to the sweep" in caplog.text) == is_left
    assert WebhookEvent.objects.get().state == ("stored" if is_left else "processed")
    captured.clock.shift(61)
    call_command("faceauth_sync")
    assert captured.challenge.state == "granted"


@pytest.mark.parametrize(("backend", "state"), [("immediate", "granted"), ("dummy", "open")])
def test_a_backend_of_tasks_without_workers(captured, settings, backend, state):
    """One does the work at once, after the response; the other forgets it."""
    library = "django.tasks" if VERSION >= (6, 0) else "django_tasks"
    name = f"{library}.backends.{backend}.{backend.capitalize()}Backend"
    settings.TASKS = {"default": {"BACKEND": name}}
    settings.FACEAUTH_RUNNER = "tasks"

    assert deliver(event(captured.authentication)).status_code == 200

    assert captured.challenge.state == state
    captured.clock.shift(61)
    call_command("faceauth_sync")
    assert captured.challenge.state == "granted"
