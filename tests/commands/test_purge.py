"""`manage.py faceauth_purge`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_faceauth.models import AuditEntry, WebhookEvent

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def old(db):
    """Three events that nobody needs any more."""
    received_at = timezone.now() - timedelta(days=401)
    for number in range(3):
        WebhookEvent.objects.create(
            event_id=f"evt_{number}", received_at=received_at, state="ignored"
        )


def test_it_deletes_and_tells_how_many(old, capsys):
    call_command("faceauth_purge")

    assert "tombstones: 3\nauthentications: 0\n" in capsys.readouterr().out
    assert not WebhookEvent.objects.exists()


def test_a_dry_run_only_counts(old, capsys):
    call_command("faceauth_purge", "--dry-run")

    assert "tombstones: 3\n" in capsys.readouterr().out
    assert WebhookEvent.objects.count() == 3
    assert not AuditEntry.objects.exists()
