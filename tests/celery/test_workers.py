"""Events, tasks and sweeps with real workers."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_faceauth.models import FaceChallenge, WebhookEvent
from tests.webhook_deliveries import event

with_workers = pytest.mark.parametrize("site_runner", ["celery", "tasks"])
with_each_runner = pytest.mark.parametrize("site_runner", ["request", "celery", "tasks"])


def is_done() -> bool:
    """Tell whether every event was dealt with."""
    return not WebhookEvent.objects.filter(state="stored").exists()


def is_granted() -> bool:
    return FaceChallenge.objects.filter(state="granted").exists()


def history(person) -> list:
    return list(person.authentication.status_changes.values_list("status", "source"))


@with_each_runner
def test_an_event_grants_without_a_sweep(stage, captured):
    alice = captured()
    stage.open_site()
    if stage.runner != "request":
        stage.start_worker()

    stage.post(event(alice.authentication))

    stage.eventually(lambda: is_done() and is_granted())
    assert WebhookEvent.objects.get().tries == 1


@with_workers
def test_tasks_that_run_many_times_at_once_do_no_harm(stage, captured):
    """As after a broker that delivered them again (D-02)."""
    alice = captured()
    row = alice.authentication
    stage.open_site()
    stage.post(event(row))
    kept = WebhookEvent.objects.get()
    for _ in range(8):
        stage.send("process_event", kept.pk)
        if stage.runner == "celery":
            stage.send("sync_authentication", row.pk)

    stage.start_worker()
    stage.start_worker()

    stage.eventually(lambda: is_done() and is_granted() and not stage.tasks_waiting())
    kept.refresh_from_db()
    assert (kept.state, kept.tries) == ("processed", 1)
    assert [status for status, _source in history(alice)] == ["created", "approved"]
    assert set(stage.told().values()) == {1}


@with_workers
def test_sweeps_find_an_event_whose_task_was_lost(stage, captured):
    """With Celery the schedule of the package stands beside the site's own."""
    alice = captured()
    stage.open_site()
    stage.post(event(alice.authentication))
    stage.eventually(stage.tasks_waiting)
    stage.lose_tasks()
    WebhookEvent.objects.update(due_at=timezone.now())  # a minute later
    stage.start_worker()

    stage.start_sweeps()

    stage.eventually(is_done)
    assert alice.challenge.state == "granted"
