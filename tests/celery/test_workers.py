"""Events, tasks and sweeps with real workers."""

from __future__ import annotations

import pytest
import requests
from django.utils import timezone

from django_faceauth.models import FaceAuthentication, FaceChallenge, WebhookEvent
from tests.celery.stage import READY
from tests.threads import at_once
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
def test_fifty_identical_posts_are_one_row_and_one_task(stage, captured):
    envelope = event(captured().authentication)
    stage.open_site()

    answers = at_once(*[lambda: stage.post(envelope)] * 50)

    assert set(answers) == {200}
    assert WebhookEvent.objects.count() == 1
    stage.eventually(stage.tasks_waiting)
    assert stage.tasks_waiting() == 1


def test_webhook_poll_return_and_sweep_at_once(stage, captured):
    """One step of history, one grant, each told once, and all end (D-09)."""
    alice = captured()
    row, challenge = alice.authentication, alice.challenge
    FaceAuthentication.objects.update(next_poll_at=timezone.now())
    stage.open_site()
    worker = stage.start_worker()
    stage.eventually(lambda: worker.says(READY["celery"]))
    envelopes = [event(row, name) for name in ("opened", "started", "checks_completed")]
    cookies = {name: morsel.value for name, morsel in alice.browser.cookies.items()}
    back = stage.url + alice.way_back
    acts = [
        *[lambda one=one: stage.post(one) for one in envelopes * 2],
        *[lambda: stage.send("sync_authentication", row.pk)] * 4,
        *[lambda: requests.get(back, cookies=cookies, allow_redirects=False, timeout=30)] * 4,
        *[lambda: stage.send("sweep")] * 2,
    ]

    at_once(*acts)

    stage.eventually(lambda: is_done() and is_granted())
    assert [status for status, _source in history(alice)] == ["created", "approved"]
    assert stage.told() == {
        ("status_changed", row.pk, "created", "approved"): 1,
        ("challenge_granted", challenge.pk, "", ""): 1,
    }
    assert "deadlock" not in stage.logs().lower()


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
