"""`manage.py faceauth_purge`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_faceauth.models import AuditEntry, WebhookEvent


@pytest.mark.database
def test_it_counts_or_deletes(db, capsys):
    for number in range(3):
        WebhookEvent.objects.create(
            event_id=f"evt_{number}",
            received_at=timezone.now() - timedelta(days=401),
            state="ignored",
        )

    call_command("faceauth_purge", "--dry-run")
    assert "tombstones: 3\n" in capsys.readouterr().out
    assert WebhookEvent.objects.count() == 3
    assert not AuditEntry.objects.exists()

    call_command("faceauth_purge")
    assert "tombstones: 3\nauthentications: 0\n" in capsys.readouterr().out
    assert not WebhookEvent.objects.exists()
