"""A merchant, a person in front of the camera, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from pytest_django.fixtures import Settings

from django_faceauth.simulator.capture_driver import CaptureDriver
from django_faceauth.simulator.webhook_sender import thread
from tests.simulator.merchant import Merchant
from tests.simulator.site import KEYS, URL, Site


@pytest.fixture
def merchant(db: None) -> Merchant:
    return Merchant()


@pytest.fixture
def visitor() -> CaptureDriver:
    return CaptureDriver()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of some day, until a test shifts it."""
    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A site that wants webhooks; they are sent when a test says so."""
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = URL
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = KEYS
    with thread.paused():
        yield Site()
