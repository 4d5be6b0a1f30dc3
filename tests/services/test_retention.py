"""Retention: expired rows are deleted in batches, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from django_faceauth.beat import FACEAUTH_BEAT_SCHEDULE
from django_faceauth.models import (
    AuditEntry,
    Consent,
    Erasure,
    ErasureTask,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    ReviewCase,
    StatusChange,
    Verdict,
    WebhookEvent,
)
from django_faceauth.services import audit_log
from django_faceauth.services.privacy import erasure, retention
from tests.sweeping import sweep_once
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FLOW = (FaceChallenge, FaceAuthentication, FaceAttempt, StatusChange, ReviewCase, Verdict)
FLOW += (FaceExemption,)


def purge(**options):
    return retention.purge(now=timezone.now(), **options)


def counts(*kinds):
    return [kind._base_manager.count() for kind in kinds]


@pytest.fixture
def finished(person):
    """A person who passed a while ago, whose result has had all its audits."""
    person.passes()
    row = person.authentication
    ReviewCase.objects.create(authentication=row, reasons=["audit"], raised_at=timezone.now())
    Verdict.objects.create(authentication=row, finding="genuine", at=timezone.now())
    now = timezone.now()
    FaceExemption.objects.create(
        user=person.user,
        reason="arm in plaster",
        author=person.user,
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    deliver(event(row))
    for _ in range(4):
        person.clock.shift(timedelta(days=3))
        sweep_once()
    assert person.authentication.next_poll_at is None
    return person


def test_a_flow_goes_ninety_days_after_its_end(finished):
    """V-06: with all that hangs on it; the user stays. A second run finds nothing."""
    finished.clock.shift(timedelta(days=77))
    before = counts(*FLOW, WebhookEvent)
    purge()
    assert counts(*FLOW, WebhookEvent) == before
    finished.clock.shift(timedelta(days=14))
    AuditEntry.objects.all().delete()
    before = counts(*FLOW, WebhookEvent, AuditEntry)
    counted = retention.count(now=timezone.now())
    assert counts(*FLOW, WebhookEvent, AuditEntry) == before

    told = purge()

    assert told == counted
    entry = AuditEntry.objects.get(event="purged")
    assert (entry.by, entry.details) == (None, dict(told))
    assert set(purge().values()) == {0}
    assert counts(*FLOW) == [0] * len(FLOW)
    assert (told["authentications"], told["exemptions"]) == (1, 1)
    assert User.objects.filter(pk=finished.user.pk).exists()


def test_an_event_is_scrubbed_after_thirty_days_and_remembered_for_four_hundred(finished):
    """V-06: its id stays, so that it counts once (W-06)."""
    told = event(finished.authentication)
    deliver(told)
    finished.clock.shift(timedelta(days=31))
    WebhookEvent.objects.update(error="Unavailable")
    assert "" not in WebhookEvent.objects.values_list("applicant_id", flat=True)

    assert purge()["events"] == 2
    kept = set(WebhookEvent.objects.values_list("applicant_id", "error"))
    assert kept == {("", "")}
    assert purge()["events"] == 0
    deliver(told)
    assert WebhookEvent.objects.count() == 2

    finished.clock.shift(timedelta(days=370))
    assert purge()["tombstones"] == 2
    assert not WebhookEvent.objects.exists()


def test_an_event_that_waits_is_kept_and_a_lock_out_is_deleted(person):
    now = timezone.now()
    for until in (now - timedelta(days=91), now - timedelta(days=89)):
        Lockout.objects.create(user=person.user, reason="declined", started_at=now, until=until)
    event_row = WebhookEvent.objects.create(
        event_id="evt_1",
        applicant_id="aplt_1",
        received_at=timezone.now() - timedelta(days=500),
        due_at=timezone.now(),
    )

    assert purge()["lockouts"] == 1

    event_row.refresh_from_db()
    assert event_row.applicant_id == "aplt_1"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(
            (FaceAuthentication, name)
            for name in ("next_poll_at", "last_change_at", "erased_at", "created_at")
        ),
        *(
            (FaceChallenge, name)
            for name in ("started_at", "granted_at", "revoked_at", "reported_at", "created_at")
        ),
    ],
)
def test_what_is_not_at_rest_is_kept(finished, kind, name):
    """V-06: an audit is planned, or something has happened recently."""
    finished.clock.shift(timedelta(days=91))
    kind.objects.update(**{name: timezone.now()})

    purge()

    assert counts(FaceAuthentication, FaceChallenge) == [1, 1]


def test_an_open_challenge_is_kept_and_an_abandoned_one_goes(person):
    person.is_asked()
    person.clock.shift(timedelta(days=91))

    assert purge()["challenges"] == 0
    sweep_once()

    assert purge()["challenges"] == 1
    assert not FaceChallenge.objects.exists()


def test_what_the_provider_is_still_to_forget_is_kept(finished):
    """V-07 before V-06."""
    erasure.request(finished.user, reason=Erasure.Reason.REQUEST, by=None, now=timezone.now())
    finished.clock.shift(timedelta(days=91))

    purge()
    assert counts(FaceAuthentication, ErasureTask) == [1, 1]

    sweep_once()
    finished.clock.shift(timedelta(days=91))
    purge()
    assert counts(FaceAuthentication, ErasureTask) == [0, 1]


def test_what_is_of_another_environment_goes_too(finished):
    """It is not polled here, however long it is due."""
    FaceAuthentication.objects.update(environment="live", next_poll_at=timezone.now())
    FaceChallenge.objects.all().delete()  # nor need there be a question
    finished.clock.shift(timedelta(days=91))

    assert purge()["authentications"] == 1


@pytest.fixture
def agreed(person):
    Consent.objects.create(
        user=person.user,
        who=str(person.user.pk),
        version="1",
        text_digest="0" * 64,
        language="en",
        given_at=timezone.now(),
    )
    return person


def test_a_consent_is_kept_with_the_account_and_for_three_years_after_it(agreed):
    """V-06: the proof of it, and then the proof that it was erased."""
    agreed.clock.shift(timedelta(days=2000))
    assert purge()["consents"] == 0
    agreed.user.delete()
    agreed.clock.shift(timedelta(days=3 * 365))
    assert purge()["consents"] == 0
    assert counts(Consent, Erasure) == [1, 1]

    agreed.clock.shift(timedelta(days=2))
    told = purge()

    assert (told["consents"], told["erasures"]) == (1, 1)
    assert counts(Consent, Erasure) == [0, 0]


def test_an_account_that_was_deleted_behind_our_back_counts_from_when_it_is_missed(agreed):
    Consent.objects.update(user=None)
    assert purge()["consents"] == 0

    agreed.clock.shift(timedelta(days=1000))
    assert purge()["consents"] == 0
    agreed.clock.shift(timedelta(days=97))

    assert purge()["consents"] == 1


def test_a_site_has_its_own_periods_and_none_is_for_ever(finished):
    audit_log.note("synced", by=finished.user, now=timezone.now())
    finished.clock.shift(timedelta(days=5000))

    with override_settings(FACEAUTH_RETENTION={"flows": None, "tombstones": None}):
        told = purge()

    assert told.keys().isdisjoint({"authentications", "audit"})
    assert counts(FaceAuthentication, WebhookEvent) == [1, 1]
    with override_settings(FACEAUTH_RETENTION={"flows": "5200d"}):
        assert purge()["authentications"] == 0
    AuditEntry.objects.exclude(event="synced").delete()
    audit_log.note("synced", by=finished.user, now=timezone.now())
    with override_settings(FACEAUTH_RETENTION={"flows": "4900d", "audit": "3650d"}):
        told = purge()
    assert (told["authentications"], told["audit"]) == (1, 1)
    assert AuditEntry.objects.filter(event="synced").count() == 1


@pytest.mark.parametrize(("number", "left"), [(1, 2001), (3, 2001), (4, 1001), (5, 1), (6, 0)])
def test_killed_midway_and_run_again_it_ends_the_same(person, number, left):
    """V-06: idempotent, resumable. More rows than one batch takes."""
    old = timezone.now() - timedelta(days=401)
    WebhookEvent.objects.bulk_create(
        WebhookEvent(event_id=f"evt_{n}", received_at=old, applicant_id="aplt", state="ignored")
        for n in range(2 * retention.BATCH + 1)
    )
    new = WebhookEvent.objects.create(
        event_id="evt_new", received_at=timezone.now(), state="failed"
    )

    batches = iter([*[None] * (number - 1), KeyboardInterrupt])

    def dies(count):
        if error := next(batches):
            raise error

    with pytest.raises(KeyboardInterrupt):
        purge(tell=dies)
    assert not AuditEntry.objects.exists()
    sizes = []
    told = purge(tell=sizes.append)
    assert all(size <= retention.BATCH for size in sizes)

    assert list(WebhookEvent.objects.all()) == [new]
    assert told["tombstones"] == left


def test_celery_does_it_once_a_day(finished):
    tasks = pytest.importorskip("django_faceauth.tasks")
    entry = FACEAUTH_BEAT_SCHEDULE["faceauth-purge"]
    assert (entry["task"], entry["schedule"]) == (tasks.purge.name, 24 * 3600)
    finished.clock.shift(timedelta(days=91))

    tasks.purge()

    assert counts(FaceAuthentication) == [0]


def test_the_command_counts_or_deletes(db, capsys):
    WebhookEvent.objects.create(
        event_id="evt_1", received_at=timezone.now() - timedelta(days=401), state="ignored"
    )
    call_command("faceauth_purge", "--dry-run")
    assert "tombstones: 1\n" in capsys.readouterr().out
    assert counts(WebhookEvent, AuditEntry) == [1, 0]

    call_command("faceauth_purge")
    assert "tombstones: 1\nauthentications: 0\n" in capsys.readouterr().out
    assert counts(WebhookEvent) == [0]
