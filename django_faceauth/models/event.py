"""Webhook events."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row
from django_faceauth.models.resource import optional_datetime


class WebhookEvent(Row):
    """One genuine delivery: the object that it names, never its statuses.

    A delivery that could not be parsed has `sha256:…` of its bytes as its event id.
    """

    class State(models.TextChoices):
        """Progress of processing; only `stored` can change."""

        STORED = "stored", _("stored")
        PROCESSED = "processed", _("processed")
        IGNORED = "ignored", _("ignored")
        FAILED = "failed", pgettext_lazy("event", "failed")

    event_id = models.CharField(_("event id"), max_length=MAX_LENGTH, unique=True)
    type = models.CharField(_("type"), max_length=100, blank=True)
    provider_id = models.CharField(_("provider id"), max_length=MAX_LENGTH, blank=True)
    applicant_id = models.CharField(_("applicant id"), max_length=MAX_LENGTH, blank=True)
    created_on = optional_datetime(_("created at the provider"))
    received_at = models.DateTimeField(_("received at"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.STORED)
    tries = models.PositiveSmallIntegerField(pgettext_lazy("column", "tries"), default=0)
    error = models.CharField(_("error"), max_length=64, blank=True)
    size = models.PositiveIntegerField(_("size in bytes"), default=0)
    due_at = optional_datetime(_("due at"), _("When the sweep processes it."))

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        permissions = [("reprocess_webhookevent", _("Can process an event again"))]
        indexes = [
            # The sweep selects due rows; finished ones are not due.
            models.Index(fields=["due_at"], name="faceauth_event_due"),
            models.Index(fields=["provider_id"], name="faceauth_event_subject"),
            models.Index(fields=["received_at"], name="faceauth_event_age"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="stored", due_at__isnull=False)
                | (~models.Q(state="stored") & models.Q(due_at__isnull=True)),
                name="faceauth_stored_event_is_due",
            )
        ]

    def __str__(self) -> str:
        return self.event_id
