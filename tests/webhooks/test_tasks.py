"""Celery tasks with a broker in memory."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from celery import Celery
from django.test import override_settings
from django.utils import timezone

from django_faceauth import tasks
from django_faceauth.clocks import ALLOWED_SKEW
from django_faceauth.models import FaceAuthentication, WebhookEvent
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def app(monkeypatch):
    """The site's Celery app, with a broker in the memory of this process."""
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # Celery would prefer it
    app = Celery("suite", broker="memory://", set_as_current=True)
    app.control.purge()  # all memory brokers of a process are one: other tests left tasks in it
    with override_settings(FACEAUTH_RUNNER="celery"):
        yield app
    app.conf.task_always_eager = False  # the app stays the current one of this process
    app.close()


def queued(app):
    """Take what is in the queue: the task, its arguments, and when it is to run."""
    found = []
    with app.connection() as broker:
        while message := broker.default_channel.basic_get("celery", no_ack=True):
            head = message.headers
            found.append((head["task"], json.loads(message.body)[0], head["eta"]))
    return found


@pytest.mark.parametrize("is_eager", [False, True])
def test_an_event_that_has_to_wait_comes_back_by_itself(captured, app, is_eager):
    """Queued for in two seconds; an eager task would not wait, and is left to the sweep (F-45)."""
    tasks.sync_authentication(captured.authentication.pk)
    FaceAuthentication.objects.update(synced_at=timezone.now() - timedelta(minutes=1))
    deliver(event(captured.authentication, created_on=timezone.now() + timedelta(seconds=1)))
    queued(app)
    app.conf.task_always_eager = is_eager

    tasks.process_event(WebhookEvent.objects.get().pk)

    assert WebhookEvent.objects.get().state == "stored"
    if is_eager:
        assert queued(app) == []
    else:
        ((name, _arguments, eta),) = queued(app)
        assert name == "django_faceauth.tasks.process_event"
        wait = datetime.fromisoformat(eta) - timezone.now()
        assert timedelta(seconds=1) <= wait <= timedelta(seconds=3)


def test_a_long_wait_is_left_to_the_sweep(captured, app):
    with override_settings(FACEAUTH_SECRET_KEY=""):
        deliver(event(captured.authentication))
        queued(app)
        WebhookEvent.objects.update(tries=10)

        tasks.process_event(WebhookEvent.objects.get().pk)

    assert queued(app) == []


def test_the_sweep_hands_out_what_is_due_spread_over_time(captured, app):
    for _ in range(3):
        deliver(event(captured.authentication))
    queued(app)
    captured.clock.shift(61)

    tasks.sweep()

    handed_out = queued(app)
    names = [name.rpartition(".")[2] for name, _arguments, _eta in handed_out]
    assert names == ["process_event"] * 3 + ["sync_authentication"]
    etas = [datetime.fromisoformat(eta) for _name, _arguments, eta in handed_out if eta]
    assert etas == sorted(etas)
    assert captured.challenge.state == "open"

    tasks.sweep()
    assert queued(app) == []  # they are taken


def test_tasks_are_acknowledged_late_and_retried():
    for task in (tasks.process_event, tasks.sync_authentication, tasks.sweep):
        assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True,) * 3
        assert (task.max_retries, task.retry_jitter) == (5, True)


def test_the_schedule_can_be_merged(app):
    """In one line; a worker whose clock is ahead drops no sweep (F-45)."""
    app.conf.beat_schedule = {"mine": {}, **tasks.FACEAUTH_BEAT_SCHEDULE}

    entry = app.conf.beat_schedule["faceauth-sweep"]
    assert app.tasks[entry["task"]].name == "django_faceauth.tasks.sweep"
    assert entry["options"]["expires"] > ALLOWED_SKEW.total_seconds() + entry["schedule"] > 0


def test_a_sweep_does_its_work_when_tasks_are_eager(captured, app):
    """(F-45)."""
    captured.clock.shift(61)
    app.conf.task_always_eager = True

    tasks.sweep()

    assert captured.challenge.state == "granted"
