"""A merchant, a person in front of the camera, and a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from django_faceauth.simulator.adapter import CaptureDriver
from django_faceauth.simulator.webhook_sender import thread
from tests.simulator.merchant import KEYS, URL, Merchant, Site


@pytest.fixture
def merchant(db):
    return Merchant()


@pytest.fixture
def visitor():
    return CaptureDriver()


@pytest.fixture
def clock():
    """Noon of some day, until a test shifts it."""
    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def site(settings):
    """A site that wants webhooks; they are sent when a test says so."""
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = URL
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = KEYS
    with thread.paused():
        yield Site()
