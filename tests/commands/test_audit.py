"""`manage.py faceauth_audit`: the log as lines, and whether it is whole (L-03)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_faceauth.models import AuditEntry
from django_faceauth.services import audit_log

pytestmark = pytest.mark.database


@pytest.fixture
def log(person):
    """Three entries, an hour apart, the last just now."""
    for number in range(3):
        at = timezone.now() - timedelta(hours=2 - number)
        audit_log.note("looked", by=person.user, about=person.user, now=at, times=number)
    return AuditEntry._base_manager.all()


@pytest.fixture
def run(db, capsys):
    def run(*options):
        call_command("faceauth_audit", *options)
        return capsys.readouterr().out.splitlines()

    return run


def test_each_entry_is_a_line(log, run, person):
    """Number, time, event, by whom, about what, details."""
    lines = [line.split("\t") for line in run()]

    assert [line[0] for line in lines] == ["1", "2", "3"]
    _number, at, event, by, subject, details = lines[1]
    assert (at, event) == ("2026-03-01T11:00:00.000+00:00", "looked")
    assert (by, subject) == (str(person.user.pk), f"user:{person.user.pk}")
    assert json.loads(details) == {"times": 1}


def test_what_is_empty_is_a_dash(run, clock):
    audit_log.note("purged", by=None, now=timezone.now())

    assert run() == ["1\t2026-03-01T12:00:00.000+00:00\tpurged\t-\t-\t{}"]


def test_only_since(log, run):
    assert [line[0] for line in run("--since", "90m")] == ["2", "3"]
    assert [line[0] for line in run("--since", "2026-03-01T11:30:00Z")] == ["3"]
    assert run("--since", "2027-01-01T00:00:00Z") == []


def test_an_untouched_log_is_whole(log, run):
    assert run("--verify") == ["Whole: 3 entries.", f"Head: {log.get(number=3).digest}"]


def test_an_empty_log_is_whole(run):
    assert run("--verify") == ["Whole: 0 entries.", "Head: -"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_first_break_is_told(log, run, number):
    log.filter(number__gte=number).update(event="glanced")

    with pytest.raises(CommandError, match=f"at entry {number}"):
        run("--verify")


def test_what_was_cut_off_its_end_is_missed(log, run):
    log.filter(number=3).delete()

    with pytest.raises(CommandError, match="at entry 3"):
        run("--verify")


def test_a_part_cannot_be_verified(run):
    """A chain is whole, or it is not."""
    with pytest.raises(CommandError):
        run("--verify", "--since", "1h")
