"""Two weeks of face checks for the demo, so that its review desk is not empty.

Everything here was really asked, shown and decided by the simulator, a moment ago; then the
rows are moved into the past.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db.models import DateTimeField, F, Model
from django.test import Client, override_settings
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.models import AttemptRequest, Consent, FaceAuthentication
from django_faceauth.provider.factory import answered_by
from django_faceauth.services import flow
from django_faceauth.simulator.adapter import SimulatorAdapter
from django_faceauth.simulator.visitor import Visitor

HANDED_OVER: Final = re.compile(r'http-equiv="refresh" content="0; url=([^"]+)"')
START: Final = re.compile(r'action="(/face/start/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Story:
    """What somebody did, and how long ago; `outcomes` one by one, an attempt each."""

    days: int
    username: str
    outcomes: tuple[str, ...] = ("same_person",)
    path: str = "/statements/"


STORIES: Final = (
    *(Story(days, "alice") for days in (13, 12, 10, 9, 7, 6, 5, 3, 2, 1)),
    *(Story(days, "frank") for days in (13, 11, 8, 6, 4)),
    Story(11, "carol", ("leave", "same_person")),
    Story(9, "dave", ("refuse",)),
    Story(8, "bob", ("someone_else",)),
    Story(5, "carol", ("leave", "same_person")),
    Story(4, "grace"),
    Story(3, "frank", ("leave", "no_camera", "leave", "same_person")),
    Story(2, "bob", ("someone_else",)),
    Story(1, "frank", ("someone_else",)),
    Story(1, "frank"),
)


def play() -> int:
    """Let it all happen, unless there is a history already; return how much."""
    if FaceAuthentication.objects.exists():
        return 0
    quick = override_settings(
        FACEAUTH_SIMULATOR_CHECK_SECONDS=0,
        FACEAUTH_SIMULATOR_WEBHOOK_URL="",
        FACEAUTH_LOCKOUT=None,
        FACEAUTH_NOTICES=False,
    )
    logging.disable()  # refusals and alarms of the past alarm nobody
    try:
        with quick, answered_by(SimulatorAdapter("/simulator")):
            told = [(_tell(story), timedelta(days=story.days)) for story in STORIES]
    finally:
        logging.disable(logging.NOTSET)
    for row, by in told:
        _move(row, by)
    # Whoever comes now is asked for their consent, and has tried nothing yet.
    Consent.objects.all().delete()
    AttemptRequest.objects.all().delete()
    return len(told)


def _tell(story: Story) -> FaceAuthentication:
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.get(username=story.username))
    start = browser.get(story.path)["Location"]
    for outcome in story.outcomes:
        start = _try(browser, start, outcome) or start
    row = FaceAuthentication.objects.latest("pk")
    if len(story.outcomes) > 1:
        time.sleep(2.1)  # the provider is asked no more often than every two seconds
        flow.refresh(row, source="return", now=timezone.now())
    return row


def _try(browser: Client, start: str, outcome: str) -> str:
    """Make one attempt; return where the next one starts."""
    agreed = {"consent": conf.CONSENT_VERSION}
    capture = HANDED_OVER.search(_body(browser.post(start, agreed)))
    assert capture, start  # noqa: S101 - or the demo is broken
    back = urlsplit(Visitor().show_face(unescape(capture[1]), outcome))
    again = START.search(_body(browser.get(f"{back.path}?{back.query}")))
    return again[1] if again else ""


def _body(response: Any) -> str:
    return str(response.content.decode())


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
