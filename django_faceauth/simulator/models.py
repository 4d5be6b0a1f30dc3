"""Cases, deliveries of webhooks, and injected faults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.models.database import Row


class StoredCase(Row):
    """One face authentication or identity verification with its attempts, as a document."""

    id = models.CharField(primary_key=True, max_length=64)
    document = models.JSONField()
    #: When time alone will change the case.
    due_on = models.DateTimeField(null=True, db_index=True)


class StoredApplicant(Row):
    """One applicant, as a document."""

    id = models.CharField(primary_key=True, max_length=64)
    document = models.JSONField()


class StoredWorkflow(Row):
    """One workflow, as a document; it has one action, a webhook."""

    id = models.CharField(primary_key=True, max_length=64)
    document = models.JSONField()

    @property
    def webhook(self) -> dict[str, Any]:
        """Its action."""
        return self.document["actions"][0]  # type: ignore[no-any-return]

    def sends(self, event_type: str) -> bool:
        """Return whether it is active, and one of its conditions names that type."""
        sources = [condition["events"] for condition in self.document["conditions"]]
        names = {name for events in sources for listed in events.values() for name in listed}
        return self.document["active"] and event_type in names


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("waiting")
    SENDING = "sending", _("being sent")
    DELIVERED = "delivered", _("delivered")
    GIVEN_UP = "given_up", _("given up")
    DROPPED = "dropped", _("dropped")


class Delivery(Row):
    """One event for the merchant: its body, and the state of its delivery."""

    event_id = models.CharField(max_length=64)
    #: Its receiver; without one, it goes to the URL of the settings.
    workflow = models.ForeignKey(StoredWorkflow, null=True, on_delete=models.CASCADE)
    event_type = models.CharField(max_length=100)
    case_id = models.CharField(max_length=64)
    created_on = models.DateTimeField()
    body = models.TextField()
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    #: While it is being sent: when its claim expires.
    next_try = models.DateTimeField(null=True)
    #: The HTTP status of the last try, or the name of its error.
    answer = models.CharField(max_length=100, blank=True)
    answered_on = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_try"], name="faceauth_simulator_due"),
            models.Index(fields=["event_id"], name="faceauth_simulator_event"),
        ]


class WebhookFaults(Row):
    """Faults of webhooks: one row, or none for no faults."""

    drop = models.FloatField(default=0.0)
    copies = models.PositiveSmallIntegerField(default=1)
    delay = models.FloatField(default=0.0)
    reorder = models.BooleanField(default=False)
    wrong_signature = models.BooleanField(default=False)
    #: Seconds that each minute between two tries lasts.
    minute = models.FloatField(default=60.0)

    @property
    def hold(self) -> timedelta:
        """How long a new webhook waits before it is sent; reordered ones wait for others."""
        return timedelta(seconds=max(self.delay, 5.0 if self.reorder else 0.0))


class CallFaultKind(models.TextChoices):
    TOO_MANY_REQUESTS = "too_many_requests", _("429 with Retry-After in seconds")
    SERVER_ERROR = "server_error", _("error status (500 to 599), not carried out")
    LATENCY = "latency", _("response delayed by seconds")
    NO_ANSWER = "no_answer", _("carried out, response delayed by seconds")
    SLOW_BODY = "slow_body", _("response sent byte by byte over seconds")


class CallFault(Row):
    """A fault of the next `calls` API calls, or of all of them when that is null."""

    kind = models.CharField(max_length=20, choices=CallFaultKind)
    amount = models.FloatField()
    calls = models.PositiveSmallIntegerField(null=True)
    #: The affected operation; empty: any.
    operation = models.CharField(max_length=64, blank=True)
