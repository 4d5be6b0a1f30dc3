"""The log of staff: added to, never changed, and it shows when somebody did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from django_faceauth.models import AuditEntry, AuditHead
from django_faceauth.models.append_only import AppendOnlyError
from django_faceauth.services import audit_log

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def log(person):
    """Three entries about one person."""
    now = timezone.now()
    for number in range(3):
        audit_log.note(
            "looked", by=person.user, about=person.user, now=now + timedelta(number), times=number
        )
    return AuditEntry._base_manager.all()


def test_entries_say_who_did_what_to_what(log, person):
    entry = log.get(number=3)

    assert (entry.event, entry.by, entry.details) == ("looked", str(person.user.pk), {"times": 2})
    assert entry.subject == f"user:{person.user.pk}"
    assert audit_log.note("purged", by=None, now=timezone.now()).by == ""


def test_an_untouched_log_is_whole(log):
    """L-03."""
    verified = audit_log.verify()

    assert (verified.is_whole, verified.count) == (True, 3)
    assert verified.head == log.get(number=3).digest


def test_no_entries_are_a_whole_log():
    assert audit_log.verify().is_whole


@pytest.mark.parametrize(
    "change",
    [
        {"event": "glanced"},
        {"by": ""},
        {"by": "1" * 9},
        {"subject": "user:0"},
        {"details": {"times": 9}},
        {"details": {}},
        {"details": "times"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"digest": "0" * 64},
    ],
    ids=str,
)
def test_what_was_changed_shows(log, change):
    """Behind the back of the ORM, as whoever has the database could (L-03)."""
    log.filter(number=2).update(**change)

    assert audit_log.verify().first_break == 2


@pytest.mark.parametrize(("gone", "broken"), [(1, 1), (2, 2), (3, 3)])
def test_what_was_taken_out_shows_even_at_the_end(log, gone, broken):
    log.filter(number=gone).delete()

    assert audit_log.verify().first_break == broken


def test_what_was_put_in_at_the_end_shows(log):
    AuditEntry(number=4, at=timezone.now(), event="forged", digest="0" * 64).save()

    assert audit_log.verify().first_break == 4


def test_a_log_without_its_head_is_not_whole(log):
    AuditHead.objects.all().delete()

    assert not audit_log.verify().is_whole


def test_the_orm_only_adds(log):
    """L-03: no update and no deletion, of one or of many."""
    entry = AuditEntry.objects.get(number=1)

    with pytest.raises(AppendOnlyError):
        entry.save()
    with pytest.raises(AppendOnlyError):
        entry.delete()
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.filter(number=1).update(event="")
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.all().delete()
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.bulk_update([entry], ["event"])
    assert audit_log.verify().is_whole


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_chain():
    audit_log.note("began", by=None, now=timezone.now())

    def write(number):
        try:
            audit_log.note("raced", by=None, now=timezone.now(), number=number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(40)))

    assert audit_log.verify().is_whole
    assert AuditEntry.objects.count() == 41


def test_the_migrations_begin_the_chain():
    """On MariaDB two first entries at once would lock each other out."""
    assert AuditHead.objects.get() == AuditHead(pk=1, count=0, digest="")
