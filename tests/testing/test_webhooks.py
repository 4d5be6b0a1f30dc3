"""Deliveries as the provider makes them, and as others do."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_faceauth.exceptions import ConfigurationError
from django_faceauth.models import WebhookEvent
from django_faceauth.testing import (
    JUNK,
    WRONG_KEY,
    deliver_webhook,
    face_asked,
    face_shown,
    simulated,
    webhook_event,
)


def test_a_genuine_event(client, faceauth_simulator, caplog):
    challenge = face_shown(client)
    caplog.set_level("INFO", logger="django_faceauth.webhooks")
    with override_settings(FACEAUTH_WEBHOOK_SECRET_KEYS=["a" * 32, "b" * 32]):
        answer = deliver_webhook(webhook_event(challenge))

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert "key=0" in caplog.text
    event = WebhookEvent.objects.get()
    assert (event.type, event.state) == ("face_authentication_checks_completed", "processed")
    assert event.provider_id == challenge.authentication.provider_id


def test_a_site_with_workers(client):
    with override_settings(FACEAUTH_RUNNER="celery"), simulated():
        deliver_webhook(webhook_event(face_shown(client)))

    assert WebhookEvent.objects.get().state == "processed"


@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK)
def test_junk(db, body):
    assert deliver_webhook(body, key=WRONG_KEY).status_code == 401
    assert not WebhookEvent.objects.exists()

    assert deliver_webhook(body).status_code == 400
    assert WebhookEvent.objects.get().state == "failed"


def test_a_site_that_asks_for_more(db):
    event = webhook_event("fav_aaaaaaaaaaaaaa")
    with override_settings(FACEAUTH_WEBHOOK_AUTHORIZATION_KEY="as-agreed"):
        assert deliver_webhook(event).status_code == 200
        elsewhere = deliver_webhook(event, headers={"Authorization": "not-as-agreed"})
        assert elsewhere.status_code == 401


def test_what_cannot_be_delivered(client):
    with (
        override_settings(FACEAUTH_WEBHOOK_SECRET_KEYS=[]),
        pytest.raises(ConfigurationError, match="FACEAUTH_WEBHOOK_SECRET_KEYS"),
    ):
        deliver_webhook(webhook_event("fav_aaaaaaaaaaaaaa"))
    with pytest.raises(ValueError, match="begun"):
        webhook_event(face_asked(client))
