"""The addresses of the simulator, for `path("simulator/", include(...))`."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.urls import path

from django_faceauth.simulator import api, control, control_api, rounds, views, webhook_queue
from django_faceauth.simulator.view_decorators import endpoint

AUTHENTICATION: Final = "face-authentications/<slug:case_id>"
ATTEMPT: Final = f"{AUTHENTICATION}/attempts/<slug:attempt_id>"

CONTROLLED_CASE: Final = "control/cases/<slug:case_id>"

#: An endpoint that works whatever goes wrong with the others.
lever = partial(endpoint, has_faults=False)

app_name = "faceauth_simulator"

# A process that serves these addresses also delivers the webhooks that come of them.
webhook_queue.filled.connect(rounds.wake)

urlpatterns = [
    path("", control.control, name="control"),
    path("control/deliveries", lever(GET=control_api.list_deliveries)),
    path("control/deliveries/<slug:event_id>/resend", lever(POST=control_api.resend)),
    path("control/deliver", lever(POST=control_api.deliver)),
    path("control/faults", lever(POST=control_api.set_faults)),
    path(f"{CONTROLLED_CASE}/audit", lever(POST=control_api.audit)),
    path(f"{CONTROLLED_CASE}/anonymize", lever(POST=control_api.anonymize)),
    path(f"{CONTROLLED_CASE}/expire", lever(POST=control_api.expire)),
    path("connect/token", endpoint(is_secured=False, has_faults=False, POST=api.token)),
    path("face-authentications", endpoint(POST=api.create_authentication)),
    path(AUTHENTICATION, endpoint(GET=api.get_authentication)),
    path(f"{AUTHENTICATION}/anonymize", endpoint(POST=api.anonymize_authentication)),
    path(
        f"{AUTHENTICATION}/attempts",
        endpoint(GET=api.list_attempts, POST=api.create_attempt),
    ),
    path(ATTEMPT, endpoint(GET=api.get_attempt)),
    path(f"{ATTEMPT}/assets", endpoint(GET=api.list_assets)),
    path("capture/<str:token>/", views.capture, name="capture"),
    path("assets/<str:token>/face.png", views.picture, name="picture"),
]
