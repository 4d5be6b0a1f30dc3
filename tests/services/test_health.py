"""How it goes, for monitoring (D-13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from django_faceauth import metrics
from django_faceauth.models import FaceAuthentication
from django_faceauth.services import health, revocation
from tests.deliveries import deliver, event
from tests.provider_double import answers
from tests.sweeping import sweep_once


def report() -> health.Health:
    return health.report(now=timezone.now())


def test_nothing_is_waiting(db):
    assert report() == health.Health(0, timedelta(0), timedelta(0), 0, 0.0, "")
    assert report().is_good


def test_what_waits_is_counted_and_timed(person):
    """Nobody sweeps: after five minutes somebody should look."""
    person.is_handed_over(person.is_asked())
    for _ in range(3):
        deliver(event("fav_" + "b" * 26))
    person.clock.shift(timedelta(minutes=4))
    assert report().is_good

    person.clock.shift(timedelta(minutes=2))

    assert report().backlog == 3
    assert report().oldest_event == timedelta(minutes=6)
    assert timedelta(minutes=5) < report().overdue < timedelta(minutes=6)
    assert not report().is_good


def test_unknown_statuses_are_counted(person):
    person.is_handed_over(person.is_asked())
    FaceAuthentication.objects.update(status="invented_tomorrow")

    assert report().unknown_statuses == 1


def test_a_pause_is_told(person, provider):
    person.is_handed_over(person.is_asked())
    person.clock.shift(3)
    provider.troubles.append(answers(401))
    sweep_once()

    assert report().pause == "no_access"
    assert report().budget_used > 0
    assert not report().is_good


def test_revocations_are_counted(person):
    person.passes("/statements/")
    before = metrics.counts["challenge_revoked"]

    revocation.revoke(person.authentication, reason="x", now=timezone.now())

    assert metrics.counts["challenge_revoked"] == before + 1


def test_the_command_tells_and_fails_when_it_goes_badly(person, provider, capsys):
    call_command("faceauth_sync", "--health")
    assert "backlog: 0" in capsys.readouterr().out

    person.is_handed_over(person.is_asked())
    person.clock.shift(timedelta(hours=1))
    with pytest.raises(CommandError, match="have a look"):
        call_command("faceauth_sync", "--health")
    with override_settings(FACEAUTH_SECRET_KEY="sk_sbox_other"):
        assert report().pause == ""
