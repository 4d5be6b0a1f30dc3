"""Any history of people, deliveries, polls, audits and trouble keeps the promises.

Hypothesis makes the histories up. A short run, always the same, belongs to the suite; a long
one is `FACEAUTH_TEST_HISTORIES=10000 make test ARGS="tests/webhooks/test_histories.py"`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest
import requests
import time_machine
from django.db import transaction
from django.test import Client, TestCase, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_faceauth.conf import RATE_LIMITS
from django_faceauth.models import FaceChallenge, StatusChange, WebhookEvent
from django_faceauth.provider import factory
from django_faceauth.services.grants import revocation
from django_faceauth.simulator import control, store, webhook_sender
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.scenarios import CHOICES
from django_faceauth.simulator.state_machine import NotAllowed, Unknown
from django_faceauth.simulator.webhook_sender import thread
from django_faceauth.statuses import AT_REST
from tests.conftest import NOON
from tests.provider_double import Provider, answers, breaks, works_but_times_out
from tests.sweeping import sweep_for, sweep_once
from tests.user_driver import Person, capture_url_in
from tests.webhook_deliveries import URL, client_sender
from tests.webhooks.conftest import hearing

ASKED_FOR = os.environ.get("FACEAUTH_TEST_HISTORIES")
HISTORIES = int(ASKED_FOR or 4)

PAGE = "/statements/"
WINDOW = timedelta(minutes=5)
TROUBLES = {
    "503": answers(503),
    "429": lambda double, request: double.answer(request, 429, **{"Retry-After": "7"}),
    "rubbish": answers(200, "no"),
    "broken": breaks(requests.ReadTimeout),
    "silent": works_but_times_out,
}
WAITS = st.sampled_from([0, 1, 2, 5, 20, 90, 400, 1000, 4000, 90_000])


class Surroundings(RuleBasedStateMachine):
    """A site, its provider, and the time and the webhooks between them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.provider = Provider()
        self._enter()
        self.send = client_sender(Client())

    def _enter(self) -> None:
        self.stack.enter_context(transaction.atomic())
        self.stack.callback(transaction.set_rollback, True)
        self.clock = self.stack.enter_context(time_machine.travel(NOON, tick=False))
        self.stack.enter_context(factory.answered_by(self.provider))
        self.stack.enter_context(thread.paused())
        self.stack.enter_context(
            override_settings(
                FACEAUTH_SIMULATOR_WEBHOOK_URL=f"http://testserver{URL}",
                FACEAUTH_RATE_LIMITS=dict.fromkeys(RATE_LIMITS),
            )
        )
        self.told = self.stack.enter_context(hearing())

    def teardown(self) -> None:
        try:
            self.the_end_is_the_true_one()
        finally:
            self.stack.close()

    @precondition(lambda self: Delivery.objects.exists())
    @rule(place=st.integers(0, 50), times=st.integers(1, 3))
    def a_webhook_arrives(self, place: int, times: int) -> None:
        """Any of them, whenever it was sent, and however often before."""
        deliveries = list(Delivery.objects.order_by("pk"))
        chosen = deliveries[place % len(deliveries)]
        for _ in range(times):
            with committing():
                webhook_sender.deliver(chosen, self.send)

    @rule()
    def a_sweep(self) -> None:
        with committing():
            sweep_once()

    @rule(seconds=WAITS)
    def time_passes(self, seconds: int) -> None:
        self.clock.shift(seconds)

    @invariant()
    def an_event_is_kept_once(self) -> None:
        """W-06."""
        assert WebhookEvent.objects.count() <= Delivery.objects.count()

    def the_end_is_the_true_one(self) -> None:
        """Assert what holds once all has settled."""
        raise NotImplementedError

    def settles_all(self) -> None:
        """Deliver what is left, and let time pass."""
        self.provider.troubles.clear()
        with committing():
            store.advance_due(timezone.now())  # as the provider does by itself
            for delivery in Delivery.objects.filter(state="pending").order_by("id"):
                webhook_sender.deliver(delivery, self.send)
            sweep_for(self.clock, timedelta(minutes=8))


class Histories(Surroundings):
    """One person at one gate, and all that can happen around them."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: dict[int, object] = {}
        self.ended: dict[int, str] = {}
        self.captures: list[str] = []
        self.back = ""
        self.person = Person(self.clock)

    # -- what happens

    @rule()
    def starts(self) -> None:
        with committing():
            response = self.person.browser.get(PAGE)
            if response.status_code != 302:
                return
            response = self.person.presses(response["Location"])
        with suppress(AssertionError):
            self.captures.append(capture_url_in(response))

    @precondition(lambda self: self.captures)
    @rule(outcome=st.sampled_from(sorted(CHOICES)))
    def shows_a_face(self, outcome: str) -> None:
        with suppress(requests.HTTPError), committing():
            self.back = self.person.shows_face(self.captures[-1], outcome)

    @precondition(lambda self: self.captures)
    @rule()
    def only_opens_the_page(self) -> None:
        with suppress(requests.HTTPError), committing():
            self.person.visitor.open(self.captures[-1])

    @precondition(lambda self: self.back)
    @rule()
    def comes_back(self) -> None:
        with committing():
            self.person.browser.get(self.back)

    @precondition(lambda self: FaceChallenge.objects.exists())
    @rule()
    def waits(self) -> None:
        with committing():
            self.person.browser.get(f"/face/status/{self.person.challenge.handle}/")

    @precondition(lambda self: self.captures)
    @rule(action=st.sampled_from(["approved", "declined", "anonymize", "expire"]))
    def the_provider_acts(self, action: str) -> None:
        self.clock.shift(0.001)  # no two of its own moments are the same
        with suppress(NotAllowed, Unknown), committing():
            fav = self.person.authentication.provider_id or ""
            control.change_case(action, fav)

    @precondition(lambda self: self.captures)
    @rule()
    def staff_revokes(self) -> None:
        with committing():
            revocation.revoke(self.person.authentication, reason="staff", now=timezone.now())

    @rule(name=st.sampled_from(sorted(TROUBLES)))
    def trouble_is_ahead(self, name: str) -> None:
        self.provider.troubles.append(TROUBLES[name])

    # -- what holds, always

    @invariant()
    def anchors_never_move(self) -> None:
        """G-05."""
        for pk, anchor in _anchored():
            assert self.anchors.setdefault(pk, anchor) == anchor

    @invariant()
    def what_ended_stays_ended(self) -> None:
        """D-11: nothing leaves an end but a grant, which may be revoked."""
        for pk, state in FaceChallenge.objects.exclude(state="open").values_list("pk", "state"):
            former = self.ended.setdefault(pk, state)
            assert state == former or (former, state) == ("granted", "revoked")
            self.ended[pk] = state

    @invariant()
    def the_gate_is_open_only_for_a_fresh_approval(self) -> None:
        """Which the provider stands behind, as far as we know (G-04, G-11)."""
        with committing():
            is_open = self.person.browser.get(PAGE).status_code == 200
        if is_open:
            grant = FaceChallenge.objects.filter(state="granted").latest("verified_at")
            assert timedelta(0) <= timezone.now() - grant.verified_at < WINDOW
            assert grant.authentication.status == "approved"
            assert grant.authentication.erased_at is None

    @invariant()
    def each_step_is_told_once(self) -> None:
        """D-09, D-12."""
        told = self.told.names()
        assert told.count("status_changed") == StatusChange.objects.count()
        granted = FaceChallenge.objects.filter(verified_at__isnull=False)
        assert told.count("challenge_granted") == granted.count()
        revoked = FaceChallenge.objects.filter(revoked_at__isnull=False)
        assert told.count("challenge_revoked") == revoked.count()

    def the_end_is_the_true_one(self) -> None:
        """Whatever was lost: given time and a provider that answers, we know what it knows."""
        self.settles_all()
        for row in self.person.user.face_authentications.exclude(provider_id=None):
            case = store.read(row.provider_id, timezone.now())
            assert row.status == case.status or case.status not in AT_REST
        assert not WebhookEvent.objects.filter(state="failed").exists()


def committing():
    """Do what is to be done after commit at the end of the block, as without a test around."""
    return TestCase.captureOnCommitCallbacks(execute=True)


def _anchored():
    return FaceChallenge.objects.exclude(verified_at=None).values_list("pk", "verified_at")


@pytest.mark.django_db
def test_histories():
    """W-20, D-09 to D-12, G-04, G-05."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=HISTORIES,
            derandomize=ASKED_FOR is None,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
