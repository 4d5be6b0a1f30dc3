"""Real workers, real brokers, and a database that several processes share.

Run with CELERY_BROKER_URL (`redis://…` or `amqp://…`), and a server as DATABASE_URL:
`make test-services` does so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.celery.stage import Stage
from tests.user_driver import Person

BROKER = "CELERY_BROKER_URL"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of this folder open sockets, and have them run on each database."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.database)
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def broker_url() -> str:
    """The broker of this run."""
    if BROKER not in os.environ or connection.vendor == "sqlite":
        pytest.exit(f"Set {BROKER}, and DATABASE_URL to a server: make test-services", returncode=1)
    return os.environ[BROKER]


@pytest.fixture
def site_runner() -> str:
    """The value of `FACEAUTH_RUNNER`."""
    return "celery"


@pytest.fixture
def stage(
    tmp_path: Path, transactional_db: None, broker_url: str, site_runner: str
) -> Iterator[Stage]:
    """A site of several processes, none of which is started yet."""
    stage = Stage(tmp_path, broker_url, site_runner)
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
