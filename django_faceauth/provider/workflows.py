"""Client of the provider's workflows API, which sends webhooks.

It has another host than the API of identities, and its OAuth tokens another scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.client import ApiClient, Unshown
from django_faceauth.provider.resources import (
    Page,
    WebhookAction,
    WorkflowSnapshot,
    parse_event_types,
)

SCOPE: Final = "flow"


class WorkflowsClient(ApiClient):
    """All calls of the workflows API that we use, with one set of credentials."""

    def get_event_types(self) -> dict[str, list[str]]:
        """Return the types of events that workflows can send, by their source."""
        path = "/workflows/event-types"
        return self._call(parse_event_types, "get_event_types", "GET", path, expects=list)

    def list_workflows(self) -> tuple[WorkflowSnapshot, ...]:
        """Return the workflows of the account, without their events and webhooks."""
        parse = partial(Page.parse, item=WorkflowSnapshot.parse)
        return self._call(parse, "list_workflows", "GET", "/workflows").items

    def get_workflow(self, workflow_id: str) -> WorkflowSnapshot:
        """Return one workflow."""
        return self._call(WorkflowSnapshot.parse, "get_workflow", "GET", _path(workflow_id))

    def create_workflow(
        self, name: str, events: Mapping[str, list[str]], webhook: WebhookAction
    ) -> WorkflowSnapshot:
        """Create an active workflow that sends `events`, given by their source.

        Of the snapshot, only the id is known.
        """
        conditions = [{"type": "event", "events": events}]
        actions = [_document(webhook)]
        payload = {"name": name, "active": True, "conditions": conditions, "actions": actions}
        parse, path = WorkflowSnapshot.parse, "/workflows"
        return self._call(parse, "create_workflow", "POST", path, json=payload)

    def update_workflow_action(self, workflow_id: str, webhook: WebhookAction) -> None:
        """Replace the action that has the id of `webhook`."""
        if not is_id(webhook.id, Prefix.WORKFLOW_ACTION):
            raise ValueError("not an identifier of an action")
        operation, path = "update_workflow_action", f"{_path(workflow_id)}/actions/{webhook.id}"
        self._answer(operation, "PUT", path, expects=None, json=_document(webhook))

    def test_workflow(self, workflow_id: str, event_types: list[str]) -> None:
        """Have test events of these types sent; the provider does so in the sandbox only."""
        path, payload = f"{_path(workflow_id)}/test", {"event_types": event_types}
        self._answer("test_workflow", "POST", path, expects=None, json=payload)

    def delete_workflow(self, workflow_id: str) -> None:
        """Delete a workflow."""
        self._answer("delete_workflow", "DELETE", _path(workflow_id), expects=None)


def _path(workflow_id: str) -> str:
    if not is_id(workflow_id, Prefix.WORKFLOW):
        raise ValueError("not an identifier of a workflow")
    return f"/workflows/{workflow_id}"


def _document(webhook: WebhookAction) -> Unshown:
    document = Unshown(type="webhook", url=webhook.url)
    document["headers"] = {name: value.reveal() for name, value in webhook.headers.items()}
    if webhook.key:
        document["signature"] = {"method": "HMACSHA256", "key": webhook.key.reveal()}
    return document
