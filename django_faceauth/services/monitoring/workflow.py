"""The provider's workflow that sends webhooks to this site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from django_faceauth.conf import OFFER, conf
from django_faceauth.provider.resources import WebhookAction, WorkflowSnapshot
from django_faceauth.provider.webhook_payloads import FAMILY, IDENTITY_FAMILY
from django_faceauth.secret import Secret
from django_faceauth.services import notifications

if TYPE_CHECKING:
    from django_faceauth.provider.workflows import WorkflowsClient

Workflows = list[WorkflowSnapshot]


def webhook_url() -> str:
    """Return the URL of our webhook endpoint; raise `ConfigurationError` or `NoReverseMatch`."""
    return notifications.absolute_url(reverse("faceauth:webhook"))


def headers() -> dict[str, Secret]:
    """Return the headers that webhooks must have, apart from the signature."""
    key = conf.WEBHOOK_AUTHORIZATION_KEY
    return {"Authorization": key} if key else {}


def used_events(client: WorkflowsClient) -> dict[str, list[str]]:
    """Return the types of events that this site uses, by the ids of their sources."""
    families = (FAMILY, IDENTITY_FAMILY) if conf.ENROLMENT == OFFER else (FAMILY,)
    used = {
        source: [name for name in names if name.startswith(families)]
        for source, names in client.get_event_types().items()
    }
    return {source: names for source, names in used.items() if names}


def find(client: WorkflowsClient, url: str) -> tuple[Workflows, Workflows]:
    """Return the workflows that send webhooks to `url`, and the others of the account.

    One call for each workflow, of which there are at most a hundred.
    """
    found = [client.get_workflow(listed.id) for listed in client.list_workflows()]
    ours = [each for each in found if any(webhook.url == url for webhook in each.webhooks)]
    return ours, [each for each in found if each not in ours]


def webhook_to(url: str, workflow: WorkflowSnapshot) -> WebhookAction:
    """Return the action of a workflow that sends webhooks to `url`."""
    return next(webhook for webhook in workflow.webhooks if webhook.url == url)


def number_of(key: Secret | None) -> int | None:
    """Return the position of a signature key in the settings, counted from 1."""
    keys = conf.WEBHOOK_SECRET_KEYS
    return next((number for number, known in enumerate(keys, start=1) if known == key), None)


def is_hidden(secret: Secret) -> bool:
    """Return whether the provider has masked a secret, or left it out."""
    return not secret or "***" in secret.reveal()
