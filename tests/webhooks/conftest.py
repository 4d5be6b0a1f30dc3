"""Users whose faces are being compared or approved, and the signals that were sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.dispatch import Signal

from django_faceauth import signals
from tests.user_driver import Person

NAMES = (
    *("status_changed", "challenge_granted", "challenge_refused", "challenge_revoked"),
    "enrolment_changed",
)


class Told(list[tuple[str, dict[str, Any]]]):
    """What the signals told, in order."""

    def names(self) -> list[str]:
        """Return the names of the signals."""
        return [name for name, _facts in self]

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return what one signal told."""
        return [facts for told, facts in self if told == name]


@contextmanager
def hearing() -> Iterator[Told]:
    """Record what receivers are told in the block."""
    told = Told()

    def receiver(signal: Signal, **facts: Any) -> None:
        told.append((names[signal], facts))

    names = {getattr(signals, name): name for name in NAMES}
    for signal in names:
        signal.connect(receiver)
    try:
        yield told
    finally:
        for signal in names:
            signal.disconnect(receiver)


@pytest.fixture
def told(transactional_db: None) -> Iterator[Told]:
    """What receivers are told from now on: after commits, so that there must be some."""
    with hearing() as told:
        yield told


@pytest.fixture
def captured(person: Person) -> Person:
    """A person who has shown the right face and gone for a coffee; the comparison is done."""
    person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(3)
    return person


@pytest.fixture
def approved(captured: Person) -> Person:
    """A person who has come back and been let in."""
    assert captured.browser.get(f"/face/returned/{captured.challenge.handle}/").status_code == 302
    assert captured.browser.get("/statements/").status_code == 200
    captured.clock.shift(3)
    return captured
