"""Testing kit for sites that use this package.

States for test clients and requests, the simulator in the provider's place, signed webhooks,
and assertions on gated URLs. The pytest plugin is `django_faceauth.pytest_plugin`.
"""

from __future__ import annotations

from django_faceauth.testing.cases import FaceAuthTestMixin
from django_faceauth.testing.gates import Ungated, assert_closed, assert_gated, ungated
from django_faceauth.testing.provider import Outcome, simulated
from django_faceauth.testing.responses import assert_face_asked
from django_faceauth.testing.states import (
    enrolled,
    exempted,
    face_asked,
    face_declined,
    face_revoked,
    face_shown,
    locked_out,
)
from django_faceauth.testing.webhooks import JUNK, WRONG_KEY, deliver_webhook, webhook_event

__all__ = [
    "JUNK",
    "WRONG_KEY",
    "FaceAuthTestMixin",
    "Outcome",
    "Ungated",
    "assert_closed",
    "assert_face_asked",
    "assert_gated",
    "deliver_webhook",
    "enrolled",
    "exempted",
    "face_asked",
    "face_declined",
    "face_revoked",
    "face_shown",
    "locked_out",
    "simulated",
    "ungated",
    "webhook_event",
]
