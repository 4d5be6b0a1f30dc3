"""Events with real workers."""

from __future__ import annotations

import pytest

from django_faceauth.models import FaceChallenge, WebhookEvent
from tests.webhook_deliveries import event


@pytest.mark.parametrize("site_runner", ["request", "celery", "tasks"])
def test_an_event_grants_without_a_sweep(stage, captured):
    alice = captured()
    stage.open_site()
    if stage.runner != "request":
        stage.start_worker()

    stage.post(event(alice.authentication))

    stage.eventually(FaceChallenge.objects.filter(state="granted").exists)
    stage.eventually(WebhookEvent.objects.filter(state="processed", tries=1).exists)
