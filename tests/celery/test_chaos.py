"""Everything keeps dying while events and users come, and nothing is lost or done twice (D-01).

The build posts 2,000 events; `FACEAUTH_TEST_EVENTS=20000` posts more, see benchmarks/README.md.
With PostgreSQL and Redis the test kills servers of its own; with other ones it cuts the lines to
them and deletes what waits at the broker. The clocks of webs and workers are wrong.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import Any, Final, TypeVar

import pytest
import requests
from django.core.management import call_command
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.models import F, Min, QuerySet
from django.utils import timezone

from django_faceauth.models import (
    AuditEntry,
    FaceAuthentication,
    FaceChallenge,
    StatusChange,
    WebhookEvent,
)
from django_faceauth.simulator import store
from django_faceauth.simulator.control import change_case
from tests.celery.servers import Line, OwnPostgres, OwnRedis, OwnServer
from tests.celery.stage import PATIENCE, READY, Process, Stage, answers, signed
from tests.site.models import Payment
from tests.threads import at_once
from tests.user_driver import Person
from tests.webhook_deliveries import URL, event

ASKED_FOR = os.environ.get("FACEAUTH_TEST_EVENTS")
EVENTS = int(ASKED_FOR or 2000)
SEED = random.randrange(10**6)
#: Runner and events. Tasks are in the database, whatever the broker is.
RUNS = [("celery", EVENTS), ("tasks", EVENTS // 4)]
if os.environ.get("CELERY_BROKER_URL", "").startswith("amqp:"):
    RUNS = [("celery", EVENTS // 4)]

#: Makes pauses between troubles longer in a long run, which would take hours otherwise.
PEACE: Final = 2 + EVENTS // 5000
#: Threads that post events, and act for users now and then.
CLIENTS: Final = 8
#: Seconds after which the provider delivers again: a minute of its schedule is 20 ms.
PAUSES: Final = tuple(0.02 * minutes for minutes in (5, 10, 15, 30, 60, 240, 720, 720))
#: How users fare; None never shows a face, "audited" is declined later on.
FATES: Final = ("same_person", "audited", "someone_else", "no_camera", "refuse", None)
NEWS: Final = ("created", "opened", "started", "capture_completed", "checks_completed")
OTHER_PRODUCT: Final = "identity_verification_checks_completed"
CSRF: Final = "c" * 32
#: By how many seconds clocks are wrong; that of the provider is right.
WEB_CLOCKS, WORKER_CLOCK, SWEEP_CLOCK = (5, -5), 5, -5

Act = Callable[[], object]
Found = TypeVar("Found")


class Provider:
    """Posts events to one of the webs, again until it is told that they are kept."""

    def __init__(self, urls: list[str], dice: random.Random) -> None:
        self._urls = urls
        self._dice = dice
        self.sent: dict[str, dict[str, Any]] = {}
        self.figures: Counter[str] = Counter()
        self.given_up: list[str] = []

    def delivers(self, envelope: dict[str, Any]) -> None:
        self.sent[envelope["id"]] = envelope
        for pause in (*PAUSES, None):
            self.figures["posts"] += 1
            if self._posts(envelope):
                self.figures["kept or known"] += 1
                return
            if pause:
                time.sleep(pause)
        self.given_up.append(envelope["id"])

    def _posts(self, envelope: dict[str, Any]) -> bool:
        url = self._dice.choice(self._urls) + URL
        try:
            status = requests.post(url, timeout=10, **signed(envelope)).status_code
        except requests.RequestException as error:
            was_refused = "Connection refused" in str(error)
            self.figures["refused" if was_refused else "broken off"] += 1
            return False
        self.figures[f"answered {status}"] += 1
        return status == 200


class Visitor:
    """A user who has shown a face for one visit, and comes back for it."""

    def __init__(self, person: Person, path: str) -> None:
        self._path = path
        capture_url = person.is_handed_over(person.is_asked(self._path, "post"))
        self._way_back = person.shows_face(capture_url)
        self._browser = requests.Session()
        self._browser.headers.update({"Accept": "text/html", "X-CSRFToken": CSRF})
        self._browser.cookies.update(
            {name: one.value for name, one in person.browser.cookies.items()}
        )
        self._browser.cookies["csrftoken"] = CSRF
        self.person = person
        #: Statuses of all answers to the button.
        self.answers: Counter[int] = Counter()

    def comes_back(self, urls: list[str]) -> None:
        """Press the button on all webs at once; again when that has failed."""
        for _ in range(6):
            with suppress(requests.RequestException):
                way_back = urls[0] + self._way_back
                self._browser.get(way_back, timeout=PATIENCE, allow_redirects=False)
            at_once(*[lambda url=url: self._presses(url + self._path) for url in urls * 2])
            if self.answers[200]:
                return
            time.sleep(0.5)

    def _presses(self, url: str) -> None:
        # The browser has sent them all before there is an answer with new cookies.
        facts = {"headers": self._browser.headers, "cookies": self._browser.cookies.copy()}
        with suppress(requests.RequestException):
            answer = requests.post(url, timeout=PATIENCE, allow_redirects=False, **facts)
            self.answers[answer.status_code] += 1


class Trouble:
    """Ends one part of the site after the other, and starts it again, in any order."""

    def __init__(
        self,
        stage: Stage,
        webs: dict[str, Process],
        broker: OwnRedis | Line,
        database: OwnPostgres | Line,
        dice: random.Random,
    ) -> None:
        self._stage = stage
        self._webs = webs
        self._broker = broker
        self._dice = dice
        self._over = Event()
        self.made: Counter[str] = Counter()
        self.tasks_lost = 0
        self._sweeps = stage.start_sweeps(**stage.clock_off_by(SWEEP_CLOCK))
        self._worker = stage.start_worker(**stage.clock_off_by(WORKER_CLOCK))
        self._kinds = {
            "webs": lambda: self._dies(dice.choice([*webs.values()])),
            "webs' processes": lambda: dice.choice([*webs.values()]).kill_a_child(),
            "workers": lambda: self._dies(self._worker),
            "workers' processes": lambda: self._worker.kill_a_child(),
            "sweepers": lambda: self._dies(self._sweeps),
            "broker, with its data": self._broker_dies,
            "database": lambda: self._goes_away(database),
        }
        self._thread = Thread(target=self._make)

    def __enter__(self) -> Trouble:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self.restart()

    @property
    def has_more_kinds(self) -> bool:
        return len(self.made) < len(self._kinds)

    @property
    def goes_on(self) -> bool:
        return self._thread.is_alive()

    def restart(self) -> None:
        """Start what has ended, as the supervisor of a site does."""
        for process in (self._worker, self._sweeps, *self._webs.values()):
            process.start()

    def _make(self) -> None:
        left: list[str] = []
        while self._is_time_for_more():
            left = left or self._dice.sample(sorted(self._kinds), len(self._kinds))
            kind = left.pop()
            self._kinds[kind]()
            self.made[kind] += 1
        connection.close()

    def _is_time_for_more(self) -> bool:
        """Wait until all parts have been at work for a while; False when it is over."""
        while not self._over.wait(0.1):
            self.restart()
            is_working = any(self._worker.says(words) for words in READY.values())
            if is_working and all(map(answers, self._webs)):
                return not self._over.wait(self._dice.uniform(0.2, 1.5) * PEACE)
        return False

    def _dies(self, process: Process) -> None:
        process.kill()
        self._over.wait(self._dice.uniform(0, 1))
        process.start()

    def _broker_dies(self) -> None:
        self.tasks_lost += insists(self._stage.tasks_waiting)
        insists(self._stage.lose_tasks)
        self._goes_away(self._broker)

    def _goes_away(self, server: OwnServer | Line) -> None:
        server.go_away()
        self._over.wait(self._dice.uniform(0, 1.5))
        server.come_back()


def insists(act: Callable[[], Found]) -> Found:
    """Do something with the database, again while that is away."""
    while True:
        try:
            return act()
        except DatabaseTrouble:
            connection.close()
            time.sleep(0.2)


@pytest.fixture
def broker(tmp_path, broker_url):
    is_redis = broker_url.startswith("redis:")
    broker = OwnRedis(tmp_path) if is_redis else Line(broker_url)
    try:
        broker.come_back()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def database(tmp_path, transactional_db, monkeypatch):
    """A database that can go away, in the place of the one of the tests."""
    facts, before = connection.settings_dict, connection.settings_dict.copy()
    is_postgres = connection.vendor == "postgresql"
    if is_postgres:
        database = OwnPostgres(tmp_path / "postgres.log", facts["USER"])
    else:
        database = Line(os.environ["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", database.url)
    connection.close()
    try:
        database.come_back()
        facts.update(HOST="127.0.0.1", PORT=database.port)
        if is_postgres:
            facts["NAME"] = "postgres"
            call_command("migrate", verbosity=0)
        yield database
    finally:
        connection.close()
        facts.update(before)
        database.close()


@pytest.fixture
def stage(tmp_path, database, broker, site_runner):
    stage = Stage(tmp_path, broker.url, site_runner)
    yield stage
    stage.close()


@pytest.mark.parametrize(("site_runner", "events"), RUNS)
def test_nothing_is_lost_and_nothing_is_done_twice(
    stage, broker, database, captured, owes, settings, events
):
    settings.FACEAUTH_MAX_AGE = settings.FACEAUTH_CAPTURE_WINDOW = 3600
    begun, dice = time.monotonic(), random.Random(SEED)
    fates = [(fate, _person(fate, captured)) for fate in FATES * min(2 + events // 500, 12)]
    visitors = [_visitor(owes, number % 2 == 0) for number in range(len(fates))]
    stage.open_site()
    webs = dict(stage.start_web(**stage.clock_off_by(seconds)) for seconds in WEB_CLOCKS)
    provider = Provider([*webs], dice)

    with Trouble(stage, webs, broker, database, dice) as trouble:
        acts = _acts(events, provider, fates, visitors, [*webs])
        seen_waiting = _do_all(_and_more(acts, provider, trouble, dice))
    posted = time.monotonic()
    if not ASKED_FOR:  # do not wait for the minute after which events are due
        WebhookEvent.objects.filter(state="stored").update(due_at=timezone.now())
    while any([*_lost(provider), *_untrue()]) and time.monotonic() < posted + 180 + events / 50:
        seen_waiting = max(seen_waiting, _oldest_waiting())
        trouble.restart()
        time.sleep(0.5)

    print(  # noqa: T201 - for benchmarks/README.md
        f"{stage.runner}: {len(provider.sent)} events",
        f"{provider.figures['kept or known'] - len(provider.sent)} duplicates",
        f"deliveries: {dict(provider.figures)}",
        f"ended: {dict(trouble.made)}",
        f"tasks lost: {trouble.tasks_lost}",
        f"approvals used: {_used().count()} of {len(visitors)}",
        f"answers to visitors: {dict(sum((one.answers for one in visitors), Counter()))}",
        f"longest wait: {seen_waiting}",
        f"posted in {posted - begun:.0f} s, settled in {time.monotonic() - posted:.0f} s",
        sep="\n",
    )
    wrong = [*_lost(provider), *_untrue(), *_done_twice(stage), *_opened_wrongly(visitors)]
    assert not wrong, "\n".join([f"seed: {SEED}", *wrong, stage.logs()[-20_000:]])
    assert provider.figures["broken off"] > 0
    # The clock of a web was behind.
    behind = WebhookEvent.objects.filter(received_at__lt=F("created_on") - timedelta(seconds=3))
    assert behind.exists()


# -- what happens


def _person(fate: str | None, captured: Callable[..., Person]) -> Person:
    if fate:
        return captured("same_person" if fate == "audited" else fate)
    person = Person(clock=None)
    person.is_handed_over(person.is_asked())
    return person


def _visitor(owes: Callable[..., Payment], pays: bool) -> Visitor:
    person = Person(clock=None)
    return Visitor(person, f"/pay/{owes(person).pk}/" if pays else "/once/")


def _acts(
    number: int,
    provider: Provider,
    fates: list[tuple[str | None, Person]],
    visitors: list[Visitor],
    urls: list[str],
) -> list[Act]:
    """Return makers of events (news, some twice, some of other products) and visits."""
    rows = [(fate, person.authentication) for fate, person in fates]
    rows += [("same_person", visitor.person.authentication) for visitor in visitors]
    audits = [row for fate, row in rows if fate == "audited"]
    dice = random.Random(SEED)
    makers = [_again_and_again(row, dice) for _fate, row in rows]
    news = dice.choices(makers, k=number - len(audits))
    acts: list[Act] = [
        *[lambda row=row: provider.delivers(_audited(row)) for row in audits],
        *[lambda make=make: provider.delivers(make()) for make in news],
        *[lambda visitor=visitor: visitor.comes_back(urls) for visitor in visitors],
    ]
    dice.shuffle(acts)
    return acts


def _audited(row: FaceAuthentication) -> dict[str, Any]:
    insists(lambda: change_case("declined", row.provider_id, 62321))
    return event(row, "audit_completed")


def _again_and_again(row: FaceAuthentication, dice: random.Random) -> Callable[[], dict[str, Any]]:
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


def _and_more(
    acts: list[Act], provider: Provider, trouble: Trouble, dice: random.Random
) -> Generator[Act, None, None]:
    """Yield the acts, then old events until there was trouble of each kind amid a request."""
    yield from acts
    sent = [*provider.sent.values()]
    while trouble.goes_on and (trouble.has_more_kinds or not provider.figures["broken off"]):
        yield lambda: provider.delivers(dice.choice(sent))


def _do_all(acts: Generator[Act, None, None]) -> timedelta:
    """Do it all, several at once; return for how long an event was seen waiting."""
    turn, longest = Lock(), timedelta(0)

    def work() -> None:
        try:
            while act := take():
                act()
        finally:
            connection.close()

    def take() -> Act | None:
        with turn:
            return next(acts, None)

    with ThreadPoolExecutor(CLIENTS) as threads:
        try:
            works = [threads.submit(work) for _ in range(CLIENTS)]
            while not all(each.done() and not each.result() for each in works):
                longest = max(longest, insists(_oldest_waiting))
                time.sleep(1)
        finally:
            with turn:
                acts.close()
    return longest


def _oldest_waiting() -> timedelta:
    """Return for how long the oldest event has waited, as the clocks of the webs tell."""
    waiting = WebhookEvent.objects.filter(state="stored")
    oldest = waiting.aggregate(oldest=Min("received_at"))["oldest"]
    return timezone.now() - oldest if oldest else timedelta(0)


def _is_settled() -> bool:
    late = timezone.now() - timedelta(seconds=20)  # the clock and the pause of the sweeper
    overdue = FaceAuthentication.objects.filter(next_poll_at__lte=late)
    return not (WebhookEvent.objects.filter(state="stored").exists() or overdue.exists())


# -- what must not have happened


def _lost(provider: Provider) -> Iterator[str]:
    kept = dict(WebhookEvent.objects.values_list("event_id", "state"))
    of_others = {name for name, one in provider.sent.items() if one["type"] == OTHER_PRODUCT}
    states = Counter(kept.values())
    if provider.given_up:
        yield f"given up: {provider.given_up}"
    if set(kept) != set(provider.sent):
        yield f"{len(provider.sent)} were posted, {len(kept)} are kept"
    if states != {"processed": len(kept) - len(of_others), "ignored": len(of_others)}:
        yield f"states: {states}"
    if not _is_settled():
        yield "something is overdue"


def _untrue() -> Iterator[str]:
    """Yield rows that differ from the provider's, and questions that did not end as they should."""
    for row in FaceAuthentication.objects.all():
        truth = store.read(row.provider_id or "", timezone.now()).status
        if row.status != truth:
            yield f"{row} is {row.status}, and {truth} at the provider"
    for challenge in FaceChallenge.objects.exclude(authentication=None):
        row = challenge.authentication
        approvals = row.status_changes.filter(status="approved").count()
        if challenge.granted_at and approvals != 1:
            yield f"challenge {challenge.pk} was granted after {approvals} approvals"
        if (challenge.state in {"granted", "consumed"}) != (row.status == "approved"):
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
    logged = Counter(AuditEntry.objects.values_list("event", "subject"))
    for what, number in [*happened.items(), *told.items(), *logged.items()]:
        if number > 1:
            yield f"{number} times: {what}"
    for what in told - happened:
        if what[0] in {"status_changed", "challenge_granted"}:
            yield f"told, and did not happen: {what}"


def _used() -> QuerySet[FaceChallenge]:
    return FaceChallenge.objects.filter(state="consumed")


def _opened_wrongly(visitors: list[Visitor]) -> Iterator[str]:
    """Yield approvals that opened twice, and payments without the use of one."""
    paid = dict(Payment.objects.values_list("user", "paid"))
    for visitor in visitors:
        user = visitor.person.user
        used = _used().filter(user=user).count()
        if used > 1 or visitor.answers[200] > used or paid.get(user.pk, used) != used:
            yield f"{user} has used {used}, and paid {paid.get(user.pk)}: {visitor.answers}"
        if unknown := set(visitor.answers) - {200, 302, 500, 503}:
            yield f"{user} was answered {unknown}"
    if _used().count() < len(visitors) / 2:
        yield f"only {_used().count()} of {len(visitors)} approvals were used"
