"""URLs of the simulator, for `path("simulator/", include(...))`."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.urls import URLPattern, path

from django_faceauth.simulator import api, control, views, webhook_queue, webhook_sender, workflows
from django_faceauth.simulator.view_decorators import endpoint

APPLICANT: Final = "applicants/<slug:applicant_id>"

#: An endpoint of the control API, which faults do not affect.
control_endpoint = partial(endpoint, has_faults=False)
#: An endpoint of the workflows API, which needs a token of its own.
flow_endpoint = partial(endpoint, scope="flow")


def case_urls(collection: str, case: str, attempt: str) -> list[URLPattern]:
    """Return the URLs that both kinds of cases have, with the names of their operations."""
    one = f"{collection}/<slug:case_id>"
    return [
        path(one, endpoint(f"get_{case}", GET=api.get_case)),
        path(f"{one}/anonymize", endpoint(f"anonymize_{case}", POST=api.anonymize_case)),
        path(
            f"{one}/attempts",
            endpoint(
                *(f"list_{attempt}s", f"create_{attempt}"),
                GET=api.list_attempts,
                POST=api.create_attempt,
            ),
        ),
        path(f"{one}/attempts/<slug:attempt_id>", endpoint(f"get_{attempt}", GET=api.get_attempt)),
    ]


app_name = "faceauth_simulator"

# A process that serves these URLs also delivers the webhooks that come of them.
webhook_queue.filled.connect(webhook_sender.thread.wake)

urlpatterns = [
    path("", control.control, name="control"),
    path("control/deliveries", control_endpoint(GET=control.list_deliveries)),
    path("control/deliveries/<slug:event_id>/resend", control_endpoint(POST=control.resend)),
    path("control/deliver", control_endpoint(POST=control.deliver)),
    path("control/faults", control_endpoint(POST=control.set_faults)),
    *(
        path(
            f"control/cases/<slug:case_id>/{action}",
            control_endpoint(POST=control.control_case),
            {"action": action},
        )
        for action in ("audit", "anonymize", "expire")
    ),
    path("connect/token", endpoint(scope=None, has_faults=False, POST=api.token)),
    path("face-authentications", endpoint(POST=api.create_authentication)),
    *case_urls("face-authentications", "authentication", "attempt"),
    path(
        "face-authentications/<slug:case_id>/attempts/<slug:attempt_id>/assets",
        endpoint(GET=api.list_assets),
    ),
    path("create-and-open-idv", endpoint(POST=api.create_and_open_identity_verification)),
    path("identity-verifications", endpoint(POST=api.create_identity_verification)),
    *case_urls("identity-verifications", "identity_verification", "identity_verification_attempt"),
    path("applicants", endpoint(POST=api.create_applicant)),
    path(APPLICANT, endpoint(GET=api.get_applicant, PATCH=api.update_applicant)),
    path(f"{APPLICANT}/anonymize", endpoint(POST=api.anonymize_applicant)),
    path("workflows", flow_endpoint(GET=workflows.list_workflows, POST=workflows.create_workflow)),
    path("workflows/event-types", flow_endpoint(GET=workflows.get_event_types)),
    path(
        "workflows/<slug:workflow_id>",
        flow_endpoint(
            GET=workflows.get_workflow,
            PATCH=workflows.update_workflow,
            DELETE=workflows.delete_workflow,
        ),
    ),
    path(
        "workflows/<slug:workflow_id>/actions/<slug:action_id>",
        flow_endpoint(PUT=workflows.update_workflow_action),
    ),
    path("workflows/<slug:workflow_id>/test", flow_endpoint(POST=workflows.test_workflow)),
    path("capture/<str:token>/", views.capture, name="capture"),
    path("assets/<str:token>/face.png", views.picture, name="picture"),
]
