"""What every test can ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import pytest
import time_machine
from django.core.cache import cache
from django.dispatch import Signal

from django_faceauth.provider import factory
from django_faceauth.sign_out import sign_out_on_report
from django_faceauth.signals import locked_out
from tests.provider_double import Provider
from tests.site.models import Payment
from tests.user_driver import Person

if TYPE_CHECKING:
    from tests.runners import Runner

#: What is about a package that sites need not install, and is left out where it is not.
ABOUT: Final = {
    "allauth": ["api/test_second_ways.py", "pages/test_second_ways.py"],
    "celery": [
        "celery",
        "services/test_mails.py",
        "webhooks/test_runners.py",
        "webhooks/test_tasks.py",
    ],
    "django_tasks_db": ["services/test_mails.py", "webhooks/test_runners.py"],
    "checkout_sdk": ["provider/test_official_client.py"],
    "grappelli": ["admin/test_themes.py"],
    "health_check": ["test_healthcheck.py"],
    "playwright": ["browser"],
    "prometheus_client": ["test_prometheus.py"],
    "rest_framework": [
        "api",
        "example",
        "gate/test_claims.py",
        "gate/test_doors.py",
        "gate/test_odd_input.py",
        "gate/test_mistakes.py",
        "pages/test_way_back.py",
        "routing",
        "services/test_face_cookie.py",
        "services/test_sign_out.py",
        "test_docs.py",
        "test_how_to.py",
        "testing/test_gates.py",
        "testing/test_simulation.py",
        "testing/test_states.py",
    ],
}
MISSING: Final = [package for package in ABOUT if find_spec(package) is None]
collect_ignore = [path for package in MISSING for path in ABOUT[package]]


def pytest_configure(config: pytest.Config) -> None:
    """Add the profiles of `--hypothesis-profile`: a minute of fuzzing, and a night of it."""
    if config.getoption("--hypothesis-profile"):
        import hypothesis  # takes two seconds, which a single test need not wait for

        hypothesis.settings.register_profile("fuzz", max_examples=1_500, deadline=None)
        hypothesis.settings.register_profile("long", max_examples=1_000_000, deadline=None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare runs without Hypothesis its import, which its plugin makes for the summary."""
    if "hypothesis" not in sys.modules:
        plugins = session.config.pluginmanager
        plugins.unregister(name="hypothesispytest")


def pytest_report_header() -> str:
    """Say what is not run because its package is not installed."""
    return f"left out without {', '.join(MISSING)}: {', '.join(collect_ignore)}" if MISSING else ""


NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
#: The setting of a cache whose server is down.
CACHE_AWAY: Final = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
    }
}


@pytest.fixture(autouse=True)
def provider() -> Iterator[Provider]:
    """The simulator in the provider's place, at the provider's own addresses."""
    adapter = Provider()
    with factory.answered_by(adapter):
        yield adapter


@pytest.fixture(autouse=True)
def _counters() -> None:
    """Counters of requests start at nothing: users of two tests may have the same number."""
    cache.clear()


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The time of site and provider; it stands still unless it is moved."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def people(db: None, clock: time_machine.Coordinates) -> Callable[..., Person]:
    """A maker of users."""
    return partial(Person, clock)


@pytest.fixture
def person(people: Callable[..., Person]) -> Person:
    """An enrolled user who decides on the capture page what happens."""
    return people()


@pytest.fixture
def owes(db: None) -> Callable[..., Payment]:
    """A maker of payments that a person wants to make."""
    return _owes


def _owes(person: Person, payee: str = "Anna", amount: str = "12.50", **more: Any) -> Payment:
    return Payment.objects.create(user=person.user, payee=payee, amount=Decimal(amount), **more)


@pytest.fixture
def payment(person: Person) -> Payment:
    """12.50 euros to Anna."""
    return _owes(person)


@pytest.fixture
def hears() -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Record what a signal sends from now on: the named facts, each time."""
    connected = []

    def hears(signal: Signal, *names: str) -> list[tuple[Any, ...]]:
        told: list[tuple[Any, ...]] = []

        def receive(**facts: Any) -> None:
            told.append(tuple(facts[name] for name in names))

        signal.connect(receive)
        connected.append((signal, receive))
        return told

    yield hears
    for signal, receive in connected:
        signal.disconnect(receive)


@pytest.fixture
def signs_out() -> Iterator[None]:
    """A site that ends everything after a report."""
    locked_out.connect(sign_out_on_report)
    yield
    locked_out.disconnect(sign_out_on_report)


@pytest.fixture(params=["request", "celery", "tasks"])
def runner(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """Each value of `FACEAUTH_RUNNER` in turn."""
    # Its packages are missing where the suite runs without extras.
    from tests.runners import RUNNERS

    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # Celery would prefer it
    settings.FACEAUTH_RUNNER = request.param
    return RUNNERS[request.param]()
