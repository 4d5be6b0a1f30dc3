"""Concurrent webhooks, polls and sweeps."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.utils import timezone

from django_faceauth.models import FaceChallenge, StatusChange, WebhookEvent
from django_faceauth.provider.factory import get_client
from django_faceauth.services.background import sweep
from django_faceauth.services.flow import finish
from django_faceauth.services.sync import provider_rate_limit, sync
from tests.threads import at_once
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_fifty_identical_deliveries_are_one_row_and_one_question(captured, provider):
    """All are answered with 200 (W-06)."""
    envelope = event(captured.authentication)
    asked = provider.questions

    answers = at_once(*[lambda: deliver(envelope)] * 50)

    assert {answer.status_code for answer in answers} == {200}
    assert WebhookEvent.objects.get().state == "processed"
    assert provider.questions == asked + 1


def test_webhook_poll_return_and_sweep_at_once(captured, provider, told):
    """One step of history, one grant, each told once (D-09)."""
    row, challenge = captured.authentication, captured.challenge
    deliver(event(row, "opened", created_on=timezone.now() - timedelta(days=1)))
    captured.clock.shift(3)
    told.clear()
    envelope = event(row)
    acts = [
        lambda: deliver(envelope),
        lambda: finish.finish(challenge, source="return", now=timezone.now()),
        lambda: finish.finish(challenge, source="poll", now=timezone.now()),
        lambda: sweep.poll(row.pk, now=timezone.now()),
        lambda: deliver(event(row, "audit_completed")),
    ]

    at_once(*acts * 4)

    assert FaceChallenge.objects.get().state == "granted"
    assert StatusChange.objects.filter(status="approved").count() == 1
    assert sorted(set(told.names())) == sorted(told.names())


def test_sweepers_share_the_work(captured):
    """Each row goes to one of them (D-02)."""
    taken = at_once(*[lambda: sweep.claim_due(now=timezone.now())] * 8)

    assert sum(len(due.authentications) for due in taken) == 1


def test_an_approval_and_its_withdrawal_at_once(captured, provider):
    """Whichever comes last by the provider's clock holds, and no grant survives it (D-10)."""
    row = captured.authentication
    client_says = get_client().get_authentication(row.provider_id)
    later = timezone.now() + timedelta(seconds=1)
    declined = type(client_says)(
        id=client_says.id, status="declined", modified_on=later, applicant_id=row.applicant_id
    )

    acts = [
        lambda: deliver(event(row)),
        lambda: sync.apply(row, declined, source="webhook", now=timezone.now()),
    ]

    at_once(*acts * 5)

    assert captured.authentication.status == "declined"
    assert FaceChallenge.objects.get().state in {"open", "revoked", "failed"}


def test_the_budget_is_one_for_all_processes(transactional_db, clock):
    """Twenty ask at once, and no more are let in than one alone would be (D-04)."""
    now = timezone.now()
    provider_rate_limit.try_acquire(now=now, someone_waits=False)

    taken = at_once(*[lambda: provider_rate_limit.try_acquire(now=now, someone_waits=False)] * 20)

    assert sum(taken) == 10


if connection.vendor != "sqlite":  # which waits for as long as its own timeout says

    def test_a_statement_that_the_database_ends_is_answered_with_503(captured):
        """With the option that the docs name, the provider is asked to come back (W-13)."""
        held, answered = Event(), Event()

        def hold():
            with transaction.atomic():
                # A row with the very id that the delivery brings, which is not committed.
                WebhookEvent.objects.create(
                    event_id=envelope["id"], received_at=timezone.now(), state="ignored"
                )
                held.set()
                answered.wait(20)

        def ask():
            held.wait(10)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET statement_timeout = 2000"
                    if connection.vendor == "postgresql"
                    else "SET SESSION max_statement_time = 2"
                )
            begun = time.perf_counter()
            try:
                return deliver(envelope), time.perf_counter() - begun
            finally:
                answered.set()

        envelope = event(captured.authentication)
        _held, (answer, seconds) = at_once(hold, ask)

        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert seconds < 10
        assert WebhookEvent.objects.get().state == "ignored"
