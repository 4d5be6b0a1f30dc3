"""The addresses of the simulator, for `path("simulator/", include(...))`."""

from __future__ import annotations

from typing import Final

from django.urls import path

from django_faceauth.simulator import api, pages
from django_faceauth.simulator.doors import endpoint

AUTHENTICATION: Final = "face-authentications/<slug:case_id>"
ATTEMPT: Final = f"{AUTHENTICATION}/attempts/<slug:attempt_id>"

app_name = "faceauth_simulator"

urlpatterns = [
    path("connect/token", endpoint(is_secured=False, POST=api.token)),
    path("face-authentications", endpoint(POST=api.create_authentication)),
    path(AUTHENTICATION, endpoint(GET=api.read_authentication)),
    path(f"{AUTHENTICATION}/anonymize", endpoint(POST=api.anonymize)),
    path(
        f"{AUTHENTICATION}/attempts",
        endpoint(GET=api.list_attempts, POST=api.create_attempt),
    ),
    path(ATTEMPT, endpoint(GET=api.read_attempt)),
    path(f"{ATTEMPT}/assets", endpoint(GET=api.list_assets)),
    path("capture/<str:token>/", pages.capture, name="capture"),
    path("assets/<str:token>/face.png", pages.picture, name="picture"),
]
