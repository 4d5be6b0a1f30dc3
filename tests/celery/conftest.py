"""Real workers, real brokers, and a database that several processes share.

Run with CELERY_BROKER_URL (`redis://…` or `amqp://…`), and a server as DATABASE_URL.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from tests.celery.stage import Stage
from tests.person import Person

BROKER = "CELERY_BROKER_URL"
DATABASE = "DATABASE_URL"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without these services the suite says so; in CI it must not be without."""
    missing = [name for name, is_there in _services().items() if not is_there]
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.celery)
        item.add_marker(pytest.mark.enable_socket)
        if missing and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason=f"set {' and '.join(missing)}"))


def _services() -> dict[str, bool]:
    engine = site.DATABASES["default"]["ENGINE"]
    return {
        f"{BROKER} to redis://… or amqp://…": bool(os.environ.get(BROKER)),
        f"{DATABASE} to postgres://… or mysql://…": not engine.endswith("sqlite3"),
    }


@pytest.fixture
def broker_url() -> str:
    """The broker of this run."""
    missing = [name for name, is_there in _services().items() if not is_there]
    assert not missing, missing
    return os.environ[BROKER]


@pytest.fixture
def stage(tmp_path: Path, transactional_db: None, broker_url: str) -> Iterator[Stage]:
    """A site of several processes, none of which is started yet."""
    stage = Stage(tmp_path, broker_url)
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture
def captured(transactional_db: None, settings: Any) -> Callable[..., Person]:
    """A maker of people who have shown a face and gone for a coffee; it was compared at once."""
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = 0

    def captured(outcome: str = "same_person") -> Person:
        person = Person(clock=None)
        person.way_back = person.shows_face(person.is_handed_over(person.is_asked()), outcome)
        return person

    return captured
