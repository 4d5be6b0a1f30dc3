"""An unexpected error with one row does not stop the others (F-42)."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models.signals import pre_delete
from django.test import override_settings
from django.utils import timezone

from django_faceauth import metrics
from django_faceauth.models import (
    Erasure,
    ErasureTask,
    FaceAuthentication,
    FaceChallenge,
    Lockout,
    WebhookEvent,
)
from django_faceauth.services.background import sweep, webhook_events
from django_faceauth.services.privacy import erasure, exports, retention
from django_faceauth.services.sync import polling_schedule
from tests.admin.staff import Staff, address
from tests.sweeping import sweep_for, sweep_once
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


class Unforeseen(Exception):
    """An unforeseen error, whose text may contain personal data."""


@pytest.fixture
def poison(provider):
    """Have every call about an authentication fail in a way that the client does not know."""
    poisoned = []
    send = provider.send

    def odd(request, *args, **kwargs):
        if any(str(row.provider_id) in request.url for row in poisoned):
            raise Unforeseen("about Jane Doe")
        return send(request, *args, **kwargs)

    provider.send = odd
    return poisoned.append


@pytest.fixture
def two(people):
    """Two users who have shown their faces, and have not been polled yet."""
    both = people(), people()
    for person in both:
        person.shows_face(person.is_handed_over(person.is_asked()))
    both[0].clock.shift(3)
    return both


@contextmanager
def protected(model, *keys):
    """A site that does not let some rows of ours go."""

    def refuse(sender, instance, **_facts):
        if instance.pk in keys:
            raise Unforeseen

    pre_delete.connect(refuse, sender=model)
    yield
    pre_delete.disconnect(refuse, sender=model)


def test_a_poll_that_fails_is_put_off_and_given_up(two, poison, caplog):
    bad, good = two
    poison(bad.authentication)
    before = metrics.counts["unforeseen"]

    sweep_once()

    assert (bad.challenge.state, good.challenge.state) == ("open", "granted")
    assert metrics.counts["unforeseen"] == before + 1
    assert "Unforeseen" in caplog.text
    assert "Jane" not in caplog.text
    assert bad.authentication.next_poll_at > timezone.now()

    sweep_for(bad.clock, timedelta(minutes=10))
    FaceAuthentication.objects.filter(pk=bad.authentication.pk).update(
        poll_count=polling_schedule.MOST_PULLS
    )
    sweep_for(bad.clock, timedelta(hours=7))
    assert bad.authentication.next_poll_at is None
    assert "given up" in caplog.text


def test_an_event_that_fails_is_put_off_and_given_up(two, poison):
    bad, good = two
    poison(bad.authentication)
    with override_settings(FACEAUTH_RUNNER="celery", CELERY_BROKER_URL="memory://"):
        for person in two:
            deliver(event(person.authentication))
    bad.clock.shift(61)

    sweep_once()

    kept = WebhookEvent.objects.get(provider_id=bad.authentication.provider_id)
    assert (kept.state, kept.tries, kept.error) == ("stored", 1, "Unforeseen")
    assert kept.due_at > timezone.now()
    assert good.challenge.state == "granted"

    WebhookEvent.objects.update(tries=webhook_events.MOST_TRIES - 1)
    bad.clock.shift(3600)
    sweep_once()
    kept.refresh_from_db()
    assert (kept.state, kept.due_at) == ("failed", None)


def test_news_that_fails_does_not_keep_what_was_left_behind(two, poison):
    """In process, once the answer is out."""
    bad, good = two
    poison(bad.authentication)
    with override_settings(FACEAUTH_RUNNER="celery", CELERY_BROKER_URL="memory://"):
        deliver(event(good.authentication))
    bad.clock.shift(61)

    assert deliver(event(bad.authentication)).status_code == 200

    assert good.challenge.state == "granted"


@pytest.mark.parametrize("options", [[], ["--threads", "1"]])
def test_the_command_goes_on(two, poison, options):
    bad, good = two
    poison(bad.authentication)

    call_command("faceauth_sync", *options)

    assert (bad.challenge.state, good.challenge.state) == ("open", "granted")


def test_the_watcher_goes_on(two, poison):
    bad, _good = two
    poison(bad.authentication)
    old = FaceAuthentication.objects.create(user=bad.user, applicant_id="aplt_x")
    FaceAuthentication.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(days=2)
    )
    former = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)]

    def stops(sender, instance, **_facts):
        os.kill(os.getpid(), signal.SIGTERM)
        raise Unforeseen

    pre_delete.connect(stops, sender=FaceAuthentication)
    try:
        call_command("faceauth_sync", "--watch")
    finally:
        pre_delete.disconnect(stops, sender=FaceAuthentication)
        for name, handler in zip((signal.SIGINT, signal.SIGTERM), former, strict=True):
            signal.signal(name, handler)

    assert FaceAuthentication.objects.filter(pk=old.pk).exists()


def test_a_pending_creation_that_cannot_go_does_not_keep_the_others(people):
    person = people()
    for _ in range(3):
        FaceAuthentication.objects.create(user=person.user, applicant_id="aplt_x")
    FaceAuthentication.objects.update(created_at=timezone.now() - timedelta(days=2))
    first = FaceAuthentication.objects.earliest("pk")

    with protected(FaceAuthentication, first.pk):
        sweep.close_expired(now=timezone.now())

    assert list(FaceAuthentication.objects.all()) == [first]


def test_an_erasure_that_fails_does_not_keep_the_others(two, poison):
    """It is never given up (V-07)."""
    bad, _good = two
    poison(bad.authentication)
    for person in two:
        erasure.request(person.user, reason=Erasure.Reason.REQUEST, by=None, now=timezone.now())

    sweep_once()

    states = dict(ErasureTask.objects.values_list("provider_id", "state"))
    assert states == {bad.authentication.provider_id: "due", "": "done"}
    task = ErasureTask.objects.get(state="due")
    assert (task.tries, task.error) == (1, "Unforeseen")
    assert task.due_at > timezone.now()


def test_a_row_that_cannot_go_does_not_keep_the_others(people, caplog):
    """Nor the rules that come after, nor the entry of the audit log."""
    person = people()
    long_ago = timezone.now() - timedelta(days=1000)
    for _ in range(3):
        person.is_asked()
        FaceChallenge.objects.filter(state="open").close("expired", reason="abandoned")
    FaceChallenge.objects.update(created_at=long_ago)
    Lockout.objects.create(user=person.user, reason="declined", started_at=long_ago, until=long_ago)
    first = FaceChallenge.objects.earliest("pk")

    with protected(FaceChallenge, first.pk):
        counts = retention.purge(now=timezone.now())

    assert list(FaceChallenge.objects.all()) == [first]
    assert (counts["challenges"], counts["lockouts"]) == (2, 1)
    assert f"facechallenge={first.pk}" in caplog.text


def test_admin_and_exports_show_the_rest(two, poison):
    bad, good = two
    FaceAuthentication.objects.filter(pk=bad.authentication.pk).update(response_codes=[{"x": 1}])
    desk = Staff("superuser")

    page = desk.browser.get(address("faceauthentication_changelist"))
    file = desk.confirms("export_json", bad.authentication, good.authentication)
    export = exports.export(bad.user, now=timezone.now())

    assert good.authentication.provider_id in page.content.decode()
    ids = {person.authentication.provider_id for person in two}
    rows = json.loads(b"".join(file.streaming_content))["face_authentications"]
    assert {row["provider_id"] for row in rows} == ids
    (section,) = (part for part in export["held"] if part["kind"] == "faceauth.faceauthentication")
    (row,) = section["rows"]
    assert row["provider_id"] == bad.authentication.provider_id
    assert "Could not be read" in str(row["response_codes"])


def test_an_admin_action_names_the_row_and_goes_on(two, poison):
    bad, good = two
    poison(bad.authentication)
    desk = Staff("superuser")

    page = desk.confirms("sync_now", bad.authentication, good.authentication)

    outcomes = {row.pk: changed for _user, _at, row, changed, _text in page.context["outcomes"]}
    assert outcomes == {bad.authentication.pk: None, good.authentication.pk: True}
    assert good.challenge.state == "granted"
