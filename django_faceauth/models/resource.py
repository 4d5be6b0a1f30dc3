"""Columns that several models share.

Only `services.sync` writes provider state. `…_on` are the provider's timestamps, `…_at` ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row

STATUS_LENGTH = 64


def lock_expired(name: str, *, lease: timedelta, now: datetime) -> models.Q:
    """Return the condition that the lock in the column `name` is free or older than `lease`.

    A timestamp well in the future counts as free: the clock was set back since.
    """
    return (
        models.Q(**{name: None})
        | models.Q(**{f"{name}__lte": now - lease})
        | models.Q(**{f"{name}__gt": now + lease})
    )


class Flow(Row):
    """The way of one user to a page of the provider and back."""

    handle = models.CharField(_("handle"), max_length=64, unique=True)
    started_at = models.DateTimeField(
        _("attempt requested at"),
        null=True,
        blank=True,
        help_text=_("Written before the provider is called, so that no attempt is lost."),
    )
    start_locked_at = models.DateTimeField(
        _("start locked at"),
        null=True,
        blank=True,
        help_text=_("Set while a request is starting an attempt."),
    )
    returned_at = models.DateTimeField(
        _("returned at"),
        null=True,
        blank=True,
        help_text=_("When the user returned from the capture page."),
    )
    reported_at = models.DateTimeField(
        _("reported at"),
        null=True,
        blank=True,
        help_text=_("When the user said that it was not them."),
    )

    class Meta(Row.Meta):
        abstract = True


class Resource(Row):
    """Mirror of one object of the provider that a hosted page decides about.

    A row without a `provider_id` is a pending creation: the provider is about to be called,
    or its response was lost.
    """

    provider_id = models.CharField(
        _("provider id"), max_length=MAX_LENGTH, unique=True, null=True, blank=True
    )
    applicant_id = models.CharField(_("applicant id"), max_length=MAX_LENGTH)
    user_journey_id = models.CharField(_("user journey id"), max_length=MAX_LENGTH)
    environment = models.CharField(_("environment"), max_length=16)
    status = models.CharField(_("status"), max_length=STATUS_LENGTH, blank=True)
    response_codes = models.JSONField(_("response codes"), default=list, blank=True)
    code = models.PositiveIntegerField(
        _("first response code"), null=True, blank=True, help_text=_("For filtering.")
    )
    created_on = models.DateTimeField(_("created at the provider"), null=True, blank=True)
    modified_on = models.DateTimeField(_("modified at the provider"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    pulled_at = models.DateTimeField(
        _("polled at"), null=True, blank=True, help_text=_("When the provider was last called.")
    )
    synced_at = models.DateTimeField(
        _("synced at"),
        null=True,
        blank=True,
        help_text=_("When the provider was called for the data in this row."),
    )
    pulling_since = models.DateTimeField(
        _("polling since"), null=True, blank=True, help_text=_("Set while a call is running.")
    )
    poll_count = models.PositiveSmallIntegerField(
        _("poll count"), default=0, help_text=_("Number of calls to the provider.")
    )
    last_change_at = models.DateTimeField(
        _("last change at"),
        null=True,
        blank=True,
        help_text=_("When the status last changed or an attempt was added."),
    )
    next_poll_at = models.DateTimeField(_("next poll at"), null=True, blank=True)
    erased_at = models.DateTimeField(_("anonymized at"), null=True, blank=True)

    class Meta(Row.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.provider_id or f"{self._meta.verbose_name} {self.pk}"

    @property
    def codes(self) -> list[int]:
        """The response codes as numbers."""
        return [entry["code"] for entry in self.response_codes]

    @property
    def is_scrubbed(self) -> bool:
        """Whether the personal data was removed for good."""
        return not self.applicant_id
