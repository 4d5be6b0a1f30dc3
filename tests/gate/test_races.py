"""Races for one approval, each request on its own connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest

from django_faceauth.gate.decision import Allow, authorize
from django_faceauth.gate.policy import Policy, policy
from django_faceauth.models import FaceChallenge
from tests.site.models import Payment
from tests.site.views import payment_of

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

#: SQLite lets one write at a time, so that a race there is a queue, and a long one.
RACERS, ROUNDS = (16, 5) if connection.vendor == "sqlite" else (64, 40)
ROUNDS = int(os.environ.get("FACEAUTH_TEST_ROUNDS", ROUNDS))

BOUND = policy(action="pay", bind=payment_of)
ONCE = policy(action="once", single_use=True)


def request_of(person) -> HttpRequest:
    """Return a request with a session that is loaded already."""
    request = person.request("/pay/", "post")
    request.session.load()
    return request


def pays(request: HttpRequest, payment: Payment, *, gate: Policy) -> bool:
    """Do what a gated view does, in its transaction; return whether the gate let it pass."""
    asked = gate.bound_to(request, payment.pk)
    with asked.transaction():
        if not isinstance(authorize(request, asked), Allow):
            return False
        Payment.objects.filter(pk=payment.pk).update(paid=F("paid") + 1)
    return True


@contextmanager
def racers() -> Iterator[Callable[[Callable[[HttpRequest], object], list[HttpRequest]], list]]:
    """Threads that keep their connections, and start each round together."""
    barrier = Barrier(RACERS)

    def race(act, requests):
        def run(request):
            barrier.wait()
            return act(request)

        return list(threads.map(run, requests))

    def leave(_number):
        barrier.wait()
        connection.close()

    with ThreadPoolExecutor(RACERS) as threads:
        yield race
        list(threads.map(leave, range(RACERS)))


@pytest.fixture
def approved(person, payment):
    """Requests of one browser whose user has approved one payment."""
    person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    return [request_of(person) for _ in range(RACERS)]


def renew() -> None:
    """Make the approval unused again."""
    FaceChallenge.objects.update(state="granted", consumed_at=None)


@pytest.mark.parametrize(("gate", "rounds"), [(ONCE, ROUNDS), (BOUND, 5)])
def test_of_many_racers_one_wins(approved, payment, gate, rounds):
    """B-02, TH-19."""
    if gate is ONCE:
        FaceChallenge.objects.update(action="once", binding_digest="")
    winners = []
    with racers() as race:
        for _ in range(rounds):
            renew()
            results = race(lambda request: pays(request, payment, gate=gate), approved)
            winners.append(results.count(True))

    assert winners == [1] * rounds
    payment.refresh_from_db()
    assert payment.paid == rounds


def test_nothing_changes_between_the_decision_and_the_work(approved, payment):
    """An edit of the payment waits until it is made (T-2.6, TH-20)."""
    decided, edited = Event(), Event()

    def edits():
        decided.wait(10)
        with transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(amount=99)
        edited.set()
        connection.close()

    with ThreadPoolExecutor(1) as thread:
        edit = thread.submit(edits)
        asked = BOUND.bound_to(approved[0], payment.pk)
        with asked.transaction():
            assert isinstance(authorize(approved[0], asked), Allow)
            decided.set()
            assert not edited.wait(0.5)
            amount = Payment.objects.get(pk=payment.pk).amount
        edit.result(20)

    assert str(amount) == "12.50"
