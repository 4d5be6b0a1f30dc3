"""The audit log: a row for what staff and commands did, and a line of the log."""

from __future__ import annotations

import logging

import pytest
from django.db import transaction
from django.utils import timezone

from django_faceauth.models import AuditEntry
from django_faceauth.services import audit_log

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_entries_say_who_did_what_to_what(person):
    entry = audit_log.note("synced", by=person.user, about=person.user, now=timezone.now(), times=2)

    entry.refresh_from_db()
    assert (entry.event, entry.by, entry.details) == ("synced", person.user, {"times": 2})
    assert entry.subject == f"auth.user:{person.user.pk}"
    entry = audit_log.note("purged", by=None, now=timezone.now())
    assert (entry.by, entry.subject, entry.author) == (None, "", "a command")
    with pytest.raises(ValueError, match="looked"):  # it has no label
        audit_log.note("looked", by=None, now=timezone.now())


def test_an_entry_outlives_the_account(person):
    pk, entry = person.user.pk, audit_log.note("synced", by=person.user, now=timezone.now())

    person.user.delete()

    entry = AuditEntry.objects.select_related("by").get(pk=entry.pk)
    assert (entry.by_id, entry.by, entry.author) == (pk, None, f"deleted user {pk}")


def test_the_log_has_the_same_line_once_it_is_committed(
    person, caplog, django_capture_on_commit_callbacks
):
    """L-03: evidence that the owner of the database cannot change."""
    caplog.set_level(logging.INFO, logger="django_faceauth.services.audit_log")
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        audit_log.note("revoked", by=person.user, about=person.user, now=timezone.now(), grants=1)
        assert caplog.messages == []

    key = person.user.pk
    assert caplog.messages == [f"audit: revoked by={key} about=auth.user:{key} {{'grants': 1}}"]
