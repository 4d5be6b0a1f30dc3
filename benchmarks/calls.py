"""Calls to the provider for one face check, by how its webhooks arrive and what the user does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Final

import time_machine
from django.test import Client, override_settings
from django.utils import timezone

from benchmarks.measuring import Figure
from django_faceauth.conf import RATE_LIMITS
from django_faceauth.models import Applicant, FaceAuthentication
from django_faceauth.provider.factory import answered_by
from django_faceauth.simulator import store
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.webhook_sender import first_key, headers_of, thread
from tests.provider_double import Provider
from tests.sweeping import sweep_once
from tests.user_driver import Person, scripted
from tests.webhook_deliveries import URL, client_sender

#: Seconds until the user opens the capture page, and from there until the face is shown.
OPENS, SHOWS = 6, 24
#: Seconds for which the user waits, and for which the last webhooks and polls are waited for.
WAITS, SETTLES = 8, 30
WRITES: Final = 2

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class History:
    """One face check, and how many reads it may cost.

    `copies` is how often each webhook is delivered: at once, or, of shuffled ones, at any moment
    of the next seconds. A user who leaves does not come back from the capture page, others do
    after some seconds; the comparison takes two. A worker sweeps every five seconds.
    """

    what: str
    most: int | None
    copies: int = 1
    is_shuffled: bool = False
    leaves: bool = False
    has_worker: bool = False
    returns_after: int = 1
    script: str = "10000"
    tries: int = 1


HISTORIES: Final = (
    History("in order, the user waits", 3),
    History("in order, the user leaves", 2, leaves=True),
    History("in order, a worker sweeps", 3, has_worker=True),
    History("doubled", 3, copies=2),
    History("shuffled", 3, is_shuffled=True),
    History("none, the user waits", 3, copies=0),
    History("none, the user returns late", 2, copies=0, returns_after=3),
    History("in order, declined", 3, script="62321"),
    History("in order, a retry after a broken-off capture", 4, script="61402A10000", tries=2),
    History("in order, a retry after inconclusive checks", 4, script="61402I10000", tries=2),
    History(
        *("shuffled, a retry after inconclusive checks", 4),
        is_shuffled=True,
        script="61402I10000",
        tries=2,
    ),
    History("none, a worker sweeps", None, copies=0, has_worker=True),
)


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the most reads of each history in several runs."""
    for history in HISTORIES:
        runs = [calls(history, seed) for seed in range(2 if quick else 10)]
        reads, writes = map(max, zip(*runs, strict=True))
        what = f"reads a check, webhooks {history.what}"
        yield Figure(what, f"{reads} and {writes} writes", value=reads, most=history.most)


def calls(history: History, seed: int = 0) -> tuple[int, int]:
    """Return how many reads and writes a check costs."""
    provider, number = Provider(), next(_numbers)
    settings = {
        "ROOT_URLCONF": "tests.site.urls",
        "FACEAUTH_SIMULATOR_WEBHOOK_URL": f"http://testserver{URL}",
        "FACEAUTH_RATE_LIMITS": dict.fromkeys(RATE_LIMITS),
    }
    with (
        override_settings(**settings),
        answered_by(provider),
        thread.paused(),
        # Never back: the rate limit would wait for the time of the run before.
        time_machine.travel(timezone.now() + timedelta(days=number), tick=False) as clock,
    ):
        Applicant.objects.all().delete()  # each script is one applicant
        FaceAuthentication.objects.update(next_poll_at=None)  # no audits of other runs
        person = Person(clock, scripted(history.script), name=f"caller{number}")
        _Check(history, seed, clock, person).run()
    return provider.count("GET"), provider.count("POST")


class _Check:
    """One run of a history."""

    def __init__(
        self, history: History, seed: int, clock: time_machine.Coordinates, person: Person
    ) -> None:
        self.history, self.clock, self.person = history, clock, person
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.send = client_sender(Client())

    def run(self) -> None:
        """Do the check, with as many tries as it takes."""
        start = self.person.is_asked()
        for _ in range(self.history.tries):
            capture = self.person.is_handed_over(start)
            self._pass(OPENS)
            self.person.visitor.open(capture)
            self._pass(SHOWS)
            back = self.person.shows_face(capture)
            self._pass(self.history.returns_after)
            if not self.history.leaves:
                self.person.returns(back)
            for _ in range(WAITS // 2):
                self._pass(2)
                if not self.history.leaves:
                    self.person.browser.get(f"/face/status/{self.person.challenge.handle}/")
        for _ in range(SETTLES):  # a site without a worker has a cron line
            self._pass(1)
            sweep_once()
        if self.person.challenge.is_open:
            raise RuntimeError(f"the check did not end: {self.history.what}")

    def _pass(self, seconds: int) -> None:
        """Let time pass, and happen what is due."""
        for _ in range(seconds):
            self.clock.shift(1)
            store.advance_due(timezone.now())
            self._deliver()
            if self.history.has_worker and int(timezone.now().timestamp()) % 5 == 0:
                sweep_once()

    def _deliver(self) -> None:
        pending = list(Delivery.objects.filter(state="pending").order_by("pk"))
        if self.history.is_shuffled:
            pending = [delivery for delivery in pending if self.chance.random() < 0.2]
            self.chance.shuffle(pending)
        for delivery in pending:
            body = delivery.body.encode()
            for _ in range(self.history.copies):
                self.send(f"http://testserver{URL}", body, headers_of(body, first_key()))
            Delivery.objects.filter(pk=delivery.pk).update(state="delivered")
