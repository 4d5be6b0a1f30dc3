"""Workers and broker keep dying while events come in, and none is lost (D-01).

The suite posts 600 events; `FACEAUTH_TEST_EVENTS=100000` posts more. With Redis the test kills
a server of its own; with another broker it cuts the line to it.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any, Final

import pytest
import requests
from django.db import connection
from django.utils import timezone

from django_faceauth.models import (
    FaceAuthentication,
    FaceChallenge,
    StatusChange,
    WebhookEvent,
)
from django_faceauth.simulator import store
from django_faceauth.simulator.control import change_case
from tests.celery.brokers import Broker, Line, OwnRedis
from tests.celery.stage import PATIENCE, READY, Process, Stage, signed
from tests.user_driver import Person
from tests.webhook_deliveries import URL, event

ASKED_FOR = os.environ.get("FACEAUTH_TEST_EVENTS")
EVENTS = int(ASKED_FOR or 600)
SEED = random.randrange(10**6)

POSTERS: Final = 4
#: Events that one of them posts in a row.
BATCH: Final = 50
#: How users fare; None never shows a face, "audited" is declined later on.
FATES: Final = ("same_person", "audited", "someone_else", "no_camera", "refuse", None)
NEWS: Final = ("created", "opened", "started", "capture_completed", "checks_completed")
OTHER_PRODUCT: Final = "identity_verification_checks_completed"

Act = Callable[[], dict[str, Any]]


class Post:
    """What was posted, and how it was answered."""

    def __init__(self, url: str) -> None:
        self._url = url + URL
        self.sent: dict[str, dict[str, Any]] = {}
        self.answers: Counter[int] = Counter()

    def deliver_all(self, acts: list[Act]) -> None:
        """Make events and post them, several at once."""
        batches = [acts[start : start + BATCH] for start in range(0, len(acts), BATCH)]
        with ThreadPoolExecutor(POSTERS) as threads:
            try:
                list(threads.map(self._deliver, batches))
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, acts: list[Act]) -> None:
        with requests.Session() as session:
            for make in acts:
                envelope = make()
                self.sent[envelope["id"]] = envelope
                answer = session.post(self._url, timeout=PATIENCE, **signed(envelope))
                self.answers[answer.status_code] += 1
        connection.close()


class Trouble:
    """Kills a worker, one of its children or the broker, again and again."""

    def __init__(self, worker: Process, broker: Broker, dice: random.Random) -> None:
        self._worker = worker
        self._broker = broker
        self._dice = dice
        self._over = Event()
        self.made: Counter[str] = Counter()
        self._thread = Thread(target=self._make)

    def __enter__(self) -> Trouble:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Go on until there was some of each kind."""
        deadline = time.monotonic() + PATIENCE
        while not any(error) and len(self.made) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        self._over.set()
        self._thread.join()

    def _make(self) -> None:
        kinds = [self._worker_dies, self._child_dies, self._broker_dies]
        while True:
            for trouble in self._dice.sample(kinds, len(kinds)):
                if not self._is_time_for_more():
                    return
                trouble()
                self.made[trouble.__name__.strip("_")] += 1

    def _is_time_for_more(self) -> bool:
        """Wait until the worker has been at work for a while; False when it is over."""
        while not self._over.wait(0.1):
            self._worker.start()  # one whose children die at its start gives up
            if any(self._worker.says(words) for words in READY.values()):
                return not self._over.wait(self._dice.uniform(1, 4))
        return False

    def _worker_dies(self) -> None:
        self._worker.kill()
        self._over.wait(self._dice.uniform(0, 1))
        self._worker.start()

    def _child_dies(self) -> None:
        self._worker.kill_a_child()

    def _broker_dies(self) -> None:
        self._broker.go_away()
        self._over.wait(self._dice.uniform(0, 2))
        self._broker.come_back()


@pytest.fixture
def broker(tmp_path, broker_url):
    own = broker_url.startswith("redis:") and shutil.which("redis-server")
    broker = OwnRedis(tmp_path) if own else Line(broker_url)
    yield broker
    broker.close()


@pytest.fixture
def stage(tmp_path, transactional_db, broker, site_runner):
    stage = Stage(tmp_path, broker.url, site_runner)
    yield stage
    stage.close()


@pytest.mark.parametrize("site_runner", READY)
def test_nothing_is_lost_and_nothing_is_done_twice(stage, broker, captured):
    dice = random.Random(SEED)
    fates = [FATES[number % len(FATES)] for number in range(min(max(EVENTS // 40, 12), 300))]
    people = [(_person(fate, captured), fate) for fate in fates]
    acts = _acts(people, EVENTS, dice)
    stage.open_site()
    worker = stage.start_worker()
    stage.start_sweeps()
    post = Post(stage.url)
    with Trouble(worker, broker, dice):
        post.deliver_all(acts)
    if not ASKED_FOR:  # do not wait for the minute after which events are due
        WebhookEvent.objects.filter(state="stored").update(due_at=timezone.now())
    _wait_for_the_end(worker, deadline=time.monotonic() + 180 + EVENTS / 50)

    wrong = [*_lost(post), *_untrue(), *_done_twice(stage)]
    assert not wrong, f"seed: {SEED}\n{stage.logs()[-20_000:]}"


# -- what happens


def _person(fate: str | None, captured: Callable[..., Person]) -> Person:
    if fate:
        return captured("same_person" if fate == "audited" else fate)
    person = Person(clock=None)
    person.is_handed_over(person.is_asked())
    return person


def _acts(people: list[tuple[Person, str | None]], number: int, dice: random.Random) -> list[Act]:
    """Return makers of `number` events: news, some of it twice, some of other products."""
    subjects = {person: person.authentication for person, _fate in people}
    audits: list[Act] = [
        lambda row=subjects[person]: _audited(row) for person, fate in people if fate == "audited"
    ]
    news: list[Act] = [_again_and_again(row, dice) for row in subjects.values()]
    acts = [*audits, *(dice.choice(news) for _ in range(number - len(audits)))]
    dice.shuffle(acts)
    return acts


def _audited(row: FaceAuthentication) -> dict[str, Any]:
    change_case("declined", row.provider_id, 62321)
    return event(row, "audit_completed")


def _again_and_again(row: FaceAuthentication, dice: random.Random) -> Act:
    # One for each, since the threads take turns as they like.
    luck = random.Random(dice.random())
    told: list[dict[str, Any]] = []

    def make() -> dict[str, Any]:
        if told and luck.random() < 0.2:
            return luck.choice(told)
        changes = {"type": OTHER_PRODUCT} if luck.random() < 0.05 else {}
        told.append(event(row, luck.choice(NEWS), **changes))
        return told[-1]

    return make


def _wait_for_the_end(worker: Process, *, deadline: float) -> None:
    while WebhookEvent.objects.filter(state="stored").exists() and time.monotonic() < deadline:
        worker.start()
        time.sleep(0.5)


# -- what must not have happened


def _lost(post: Post) -> Iterator[str]:
    kept = dict(WebhookEvent.objects.values_list("event_id", "state"))
    of_others = {name for name, one in post.sent.items() if one["type"] == OTHER_PRODUCT}
    states = Counter(kept.values())
    if post.answers != {200: EVENTS}:
        yield f"answers: {post.answers}"
    if set(kept) != set(post.sent):
        yield f"{len(post.sent)} were posted, {len(kept)} are kept"
    if states != {"processed": len(kept) - len(of_others), "ignored": len(of_others)}:
        yield f"states: {states}"


def _untrue() -> Iterator[str]:
    """Yield rows that differ from the provider's, and questions that did not end as they should."""
    for row in FaceAuthentication.objects.all():
        truth = store.read(row.provider_id or "", timezone.now()).status
        if row.status != truth:
            yield f"{row} is {row.status}, and {truth} at the provider"
    for challenge in FaceChallenge.objects.select_related("authentication"):
        row = challenge.authentication
        approvals = row.status_changes.filter(status="approved").count()
        if challenge.granted_at and approvals != 1:
            yield f"challenge {challenge.pk} was granted after {approvals} approvals"
        if (challenge.state == "granted") != (row.status == "approved"):
            yield f"challenge {challenge.pk} is {challenge.state}, {row} is {row.status}"


def _done_twice(stage: Stage) -> Iterator[str]:
    """Yield what was told more often than it happened.

    Fewer is possible: a process may die between its commit and telling of it.
    """
    changes = StatusChange.objects.exclude(source="create")  # made by this process
    steps = changes.values_list("authentication_id", "previous", "status")
    granted = FaceChallenge.objects.exclude(granted_at=None).values_list("pk", flat=True)
    happened = Counter(("status_changed", *step) for step in steps)
    happened += Counter(("challenge_granted", pk, "", "") for pk in granted)
    told = stage.told()
    for what, number in [*happened.items(), *told.items()]:
        if number > 1:
            yield f"{number} times: {what}"
    for what in told - happened:
        if what[0] in {"status_changed", "challenge_granted"}:
            yield f"told, and did not happen: {what}"
