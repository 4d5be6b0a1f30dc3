"""Many at once for one approval, each on a connection of its own, on the database in use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, Event

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

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


class Refused(Exception):
    """The gate did not let a racer through."""


def request_of(person) -> HttpRequest:
    """Return a request of that browser, with a session that is loaded already."""
    request = person.request("/pay/", "post")
    request.session.load()
    return request


def pays(
    request: HttpRequest, payment: Payment, *, gate: Policy = BOUND, fails: bool = False
) -> bool:
    """Do what a gated view does, in its transaction; tell whether it came through."""
    asked = gate.bound_to(request, payment.pk)
    with asked.transaction():
        if not isinstance(authorize(request, asked), Allow):
            return False
        Payment.objects.filter(pk=payment.pk).update(paid=F("paid") + 1)
        if fails:
            raise Refused
    return True


@contextmanager
def racers() -> Iterator[Callable[[Callable[[HttpRequest], object], list[HttpRequest]], list]]:
    """Threads that keep their connections, and start each round together."""
    barrier = Barrier(RACERS)

    def race(act, requests):
        def run(request):
            barrier.wait()
            with suppress(Refused):
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
    """Let the same approval be raced for once more."""
    FaceChallenge.objects.update(state="granted", consumed_at=None)


@pytest.mark.parametrize(("gate", "rounds"), [(ONCE, ROUNDS), (BOUND, 5)])
def test_of_many_racers_one_wins(approved, payment, gate, rounds):
    """In each of many rounds exactly one (B-02, TH-19)."""
    if gate is ONCE:
        FaceChallenge.objects.update(action="once", binding_digest="")
    winners = []
    with racers() as race:
        for _ in range(rounds):
            renew()
            came_through = race(lambda request: pays(request, payment, gate=gate), approved)
            winners.append(came_through.count(True))

    assert winners == [1] * rounds
    payment.refresh_from_db()
    assert payment.paid == rounds


def test_if_the_view_raises_nobody_has_spent_it(approved, payment):
    """All fail one after the other, and the approval is as good as before (T-2.8)."""
    with racers() as race:
        came_through = race(lambda request: pays(request, payment, fails=True), approved)

    assert came_through == [None] * RACERS
    payment.refresh_from_db()
    assert payment.paid == 0
    assert FaceChallenge.objects.get().state == "granted"
    assert pays(approved[0], payment)


def test_nothing_changes_between_the_decision_and_the_work(approved, payment):
    """Who edits the payment meanwhile waits until it is made (T-2.6, TH-20)."""
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


def test_revoked_meanwhile_means_refused(approved, payment):
    """A revocation on another connection counts for the next decision (G-11)."""
    with ThreadPoolExecutor(1) as thread:

        def revokes():
            rows = FaceChallenge.objects.filter(state="granted")
            rows.revoke(reason="staff", now=timezone.now())
            connection.close()

        thread.submit(revokes).result(20)

    assert not pays(approved[0], payment)
