"""Two weeks of face checks for the demo, so that its review desk is not empty.

Everything here was really asked, shown and decided by the simulator, a moment ago; then the
rows are moved into the past.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import DateTimeField, F, Model
from django.test import Client, override_settings

from django_faceauth.models import AttemptRequest, Consent, FaceAuthentication
from django_faceauth.testing import Outcome, simulated

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Story:
    """What somebody did, and how long ago; `outcomes` one by one, an attempt each."""

    days: int
    username: str
    outcomes: tuple[Outcome, ...] = ("approved",)
    path: str = "/statements/"


STORIES: Final = (
    *(Story(days, "alice") for days in (13, 12, 10, 9, 7, 6, 5, 3, 2, 1)),
    *(Story(days, "frank") for days in (13, 11, 8, 6, 4)),
    Story(11, "carol", ("left", "approved")),
    Story(9, "dave", ("refused",)),
    Story(8, "bob", ("declined",)),
    Story(5, "carol", ("left", "approved")),
    Story(4, "grace"),
    Story(3, "frank", ("left", "retry", "left", "approved")),
    Story(2, "bob", ("declined",)),
    Story(1, "frank", ("declined",)),
    Story(1, "frank"),
)


def play() -> int:
    """Let it all happen, unless there is a history already; return how much."""
    if FaceAuthentication.objects.exists():
        return 0
    limits = {**settings.FACEAUTH_RATE_LIMITS, "lockout": None}  # type: ignore[misc]  # is there
    quiet = override_settings(FACEAUTH_RATE_LIMITS=limits, FACEAUTH_NOTICES=False)
    logging.disable()  # refusals and alarms of the past alarm nobody
    try:
        with quiet, simulated() as provider:
            told = [(_tell(story, provider), timedelta(days=story.days)) for story in STORIES]
    finally:
        logging.disable(logging.NOTSET)
    for row, by in told:
        _move(row, by)
    # Whoever comes now is asked for their consent, and has tried nothing yet.
    Consent.objects.all().delete()
    AttemptRequest.objects.all().delete()
    return len(told)


def _tell(story: Story, provider: Simulation) -> FaceAuthentication:
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.get(username=story.username))
    for outcome in story.outcomes:
        provider.show_face(browser, story.path, outcome=outcome)
    return FaceAuthentication.objects.latest("pk")


def _move(row: FaceAuthentication, by: timedelta) -> None:
    for one in (row, row.challenge, *row.attempts.all(), *row.status_changes.all()):
        _shift(one, by)
    if case := getattr(row, "review_case", None):
        _shift(case, by)
    FaceAuthentication.objects.filter(pk=row.pk).update(next_poll_at=None)


def _shift(row: Model, by: timedelta) -> None:
    fields = [field for field in row._meta.fields if isinstance(field, DateTimeField)]
    moments = {field.name: F(field.name) - by for field in fields}
    type(row)._base_manager.filter(pk=row.pk).update(**moments)
