"""Posts events to a site whose workers and broker keep dying, and sees that none is lost (D-01).

    DATABASE_URL=postgres://… python -m tests.celery.chaos --events 100000

It makes a database of its own on that server, and a Redis of its own; with `--broker amqp://…`
the line to that broker is cut instead. Ends with 1 when something was lost, or done twice.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, Final

import django
import requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_faceauth.models import (  # noqa: E402
    FaceAuthentication,
    FaceChallenge,
    StatusChange,
    WebhookEvent,
)
from django_faceauth.provider import factory  # noqa: E402
from django_faceauth.simulator import store  # noqa: E402
from django_faceauth.simulator.control import change_case  # noqa: E402
from tests.celery.brokers import Broker, Line, OwnRedis  # noqa: E402
from tests.celery.stage import PATIENCE, READY, Process, Stage, signed  # noqa: E402
from tests.provider_double import Provider  # noqa: E402
from tests.user_driver import Person  # noqa: E402
from tests.webhook_deliveries import URL, event  # noqa: E402

POSTERS: Final = 4
#: Events that one of them posts in a row.
BATCH: Final = 50
#: How people fare; None never shows a face, "audited" is declined later on.
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
            if self._worker.says(READY):
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


def main() -> int:
    """Run it all."""
    given = _arguments()
    _say(f"events: {given.events}, seed: {given.seed}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    dice = random.Random(given.seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="chaos-")))
        stack.enter_context(_own_database())
        broker: Broker = Line(given.broker) if given.broker else OwnRedis(folder)
        stack.callback(broker.close)
        stage = Stage(folder, broker.url)
        stack.callback(stage.close)
        wrong = _run(stage, broker, given.events, dice, hurry=given.hurry)
        if wrong:
            _say(stage.logs()[-20_000:])
    _say("\n".join(wrong) or "nothing was lost, and nothing was done twice")
    return 1 if wrong else 0


def _run(
    stage: Stage, broker: Broker, events: int, dice: random.Random, *, hurry: bool
) -> list[str]:
    people = _people(min(max(events // 40, 12), 300))
    acts = _acts(people, events, dice)
    stage.open_site()
    worker = stage.start_worker()
    stage.start_beat()
    post = Post(stage.url)
    begun = time.monotonic()
    with Trouble(worker, broker, dice) as trouble:
        post.deliver_all(acts)
    posted = time.monotonic()
    _say(f"posted in {posted - begun:.0f} s, trouble: {dict(trouble.made)}")
    _say(f"done by then: {WebhookEvent.objects.filter(state='processed').count()}")
    if hurry:
        WebhookEvent.objects.filter(state="stored").update(due_at=timezone.now())
    _wait_for_the_end(worker, deadline=posted + 180 + events / 50)
    _say(f"all done {time.monotonic() - posted:.0f} s later")
    return [*_lost(post, events), *_untrue(), *_done_twice(stage)]


# -- what happens


def _people(number: int) -> list[tuple[Person, str | None]]:
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = 0
    with factory.answered_by(Provider()):
        return [_person(FATES[n % len(FATES)]) for n in range(number)]


def _person(fate: str | None) -> tuple[Person, str | None]:
    person = Person(clock=None)
    capture = person.is_handed_over(person.is_asked())
    if fate:
        person.shows_face(capture, "same_person" if fate == "audited" else fate)
    return person, fate


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


def _lost(post: Post, events: int) -> Iterator[str]:
    kept = dict(WebhookEvent.objects.values_list("event_id", "state"))
    of_others = {name for name, one in post.sent.items() if one["type"] == OTHER_PRODUCT}
    states = Counter(kept.values())
    _say(f"events kept: {dict(states)}, answers: {dict(post.answers)}")
    if post.answers != {200: events}:
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
    _say(f"steps and grants: {happened.total()}, told in all: {told.total()}")
    for what, number in [*happened.items(), *told.items()]:
        if number > 1:
            yield f"{number} times: {what}"
    for what in told - happened:
        if what[0] in {"status_changed", "challenge_granted"}:
            yield f"told, and did not happen: {what}"


# -- around it


@contextmanager
def _own_database() -> Iterator[None]:
    connection.settings_dict["TEST"]["NAME"] = f"chaos_{os.getpid()}"
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.celery.chaos")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--broker", help="a broker to cut the line to, not a Redis of our own")
    parser.add_argument(
        "--hurry", action="store_true", help="do not wait for the minute after which events are due"
    )
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
