"""Endpoints of the provider's workflows API.

The functions are named for the operations of our client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.provider.webhook_payloads import FAMILY
from django_faceauth.simulator import state_machine, validation, webhook_queue
from django_faceauth.simulator.api import root_of
from django_faceauth.simulator.models import StoredWorkflow
from django_faceauth.simulator.state_machine import Unknown, new_id

#: The source of our events is made up: the provider does not document the name of its own,
#: which is why clients ask for it. The other one is of the provider's examples.
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("payment_approved", "payment_declined"),
    "simulated_identities": webhook_queue.EVENT_TYPES,
}


def get_event_types(_request: HttpRequest) -> HttpResponse:
    sources = [
        {"id": source, "events": [{"id": name} for name in names]}
        for source, names in SOURCES.items()
    ]
    return JsonResponse(sources, safe=False)


def list_workflows(request: HttpRequest) -> HttpResponse:
    rows = StoredWorkflow.objects.order_by("id")
    return JsonResponse({"data": [_shown(row, request, "name", "active") for row in rows]})


def create_workflow(request: HttpRequest) -> HttpResponse:
    """Create a workflow, which sends the events that happen from now on."""
    row = StoredWorkflow(id=new_id("wf"))
    _save(row, validation.body_of(request.body))
    return JsonResponse(_shown(row, request), status=201)


def get_workflow(request: HttpRequest, workflow_id: str) -> HttpResponse:
    row = _read(workflow_id)
    return JsonResponse(_shown(row, request, *row.document))


def update_workflow(request: HttpRequest, workflow_id: str) -> HttpResponse:
    row = _read(workflow_id)
    _save(row, {**row.document, **validation.body_of(request.body)})
    return JsonResponse(_shown(row, request, *row.document))


def delete_workflow(_request: HttpRequest, workflow_id: str) -> HttpResponse:
    _read(workflow_id).delete()
    return HttpResponse(status=204)


def update_workflow_action(request: HttpRequest, workflow_id: str, action_id: str) -> HttpResponse:
    row = _read(workflow_id)
    if row.webhook["id"] != action_id:
        raise Unknown
    action = {**validation.body_of(request.body), "id": action_id}
    _save(row, {**row.document, "actions": [action]})
    return HttpResponse()


def test_workflow(request: HttpRequest, workflow_id: str) -> HttpResponse:
    """Send events about cases that do not exist, whether the workflow is active or not."""
    row, now = _read(workflow_id), timezone.now()
    names = validation.body_of(request.body).get("event_types")
    are_known = isinstance(names, list) and all(name in webhook_queue.EVENT_TYPES for name in names)
    validation.refuse([] if are_known and names else ["event_types_invalid"])
    for event_type in names or ():
        case = state_machine.create(
            new_id("fav" if event_type.startswith(FAMILY) else "idv"),
            applicant_id=new_id("aplt"),
            user_journey_id=conf.USER_JOURNEY_ID or new_id("usj"),
            now=now,
        )
        webhook_queue.put(event_type, case, [row], now)
    webhook_queue.announce()
    return HttpResponse(status=204)


def _read(workflow_id: str) -> StoredWorkflow:
    row = StoredWorkflow.objects.filter(id=workflow_id).first()
    if row is None:
        raise Unknown
    return row


def _save(row: StoredWorkflow, body: validation.Body) -> None:
    """Store a valid body, with ids for its new parts."""
    document = validation.read_workflow(body, SOURCES)
    for member, prefix in (("conditions", "wfc"), ("actions", "wfa")):
        document[member] = [{"id": new_id(prefix), **part} for part in document[member]]
    row.document = document
    row.save()


def _shown(row: StoredWorkflow, request: HttpRequest, *members: str) -> dict[str, Any]:
    links = {"self": {"href": f"{root_of(request)}/workflows/{row.id}"}}
    return {"id": row.id, **{name: row.document[name] for name in members}, "_links": links}
