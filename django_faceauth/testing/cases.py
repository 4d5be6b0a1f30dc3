"""Mixin for `unittest` and Django test cases."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from unittest import TestCase

from django.http import HttpResponse
from django.test import Client

from django_faceauth.testing import states
from django_faceauth.testing.gates import assert_closed, assert_gated
from django_faceauth.testing.provider import Outcome, simulated
from django_faceauth.testing.responses import assert_face_asked
from django_faceauth.testing.webhooks import deliver_webhook, webhook_event

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation


class FaceAuthTestMixin(TestCase):
    """The functions of the kit as methods of a test case; list it before Django's own class."""

    enrolled = staticmethod(states.enrolled)
    exempted = staticmethod(states.exempted)
    face_asked = staticmethod(states.face_asked)
    face_declined = staticmethod(states.face_declined)
    face_revoked = staticmethod(states.face_revoked)
    face_shown = staticmethod(states.face_shown)
    locked_out = staticmethod(states.locked_out)
    deliver_webhook = staticmethod(deliver_webhook)
    webhook_event = staticmethod(webhook_event)
    # Named like the assertions of unittest.
    assertFaceAsked = staticmethod(assert_face_asked)  # noqa: N815
    assertClosed = staticmethod(assert_closed)  # noqa: N815
    assertGated = staticmethod(assert_gated)  # noqa: N815

    @cached_property
    def faceauth_simulator(self) -> Simulation:
        """The simulator, from its first use to the end of the test."""
        return self.enterContext(simulated())

    def show_face(
        self, url: str, *, outcome: Outcome | None = None, client: Client | None = None, **more: Any
    ) -> HttpResponse:
        """Do the whole face check for a request of `client`, by default `self.client`."""
        browser: Any = client or getattr(self, "client", None) or Client()
        return self.faceauth_simulator.show_face(browser, url, outcome=outcome, **more)
