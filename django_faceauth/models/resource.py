"""Columns that several models share.

Only `services.sync` writes provider state. `…_on` are the provider's timestamps, `…_at` ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row

STATUS_LENGTH = 64


def user_key(related_name: str) -> models.ForeignKey[Any, AbstractBaseUser]:
    """Return a column for the user with whom the row is deleted."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name=related_name,
        verbose_name=_("user"),
    )


def optional_datetime(name: Any, help_text: Any = "") -> models.DateTimeField[Any, datetime | None]:
    """Return a column that is null until something has happened, or if it is not known."""
    return models.DateTimeField(name, null=True, blank=True, help_text=help_text)


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
    started_at = optional_datetime(
        _("attempt requested at"),
        _("Written before the provider is called, so that no attempt is lost."),
    )
    start_locked_at = optional_datetime(
        _("start locked at"), _("Set while a request is starting an attempt.")
    )
    returned_at = optional_datetime(
        _("returned at"), _("When the user returned from the capture page.")
    )
    reported_at = optional_datetime(_("reported at"), _("When the user said that it was not them."))

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
    created_on = optional_datetime(_("created at the provider"))
    modified_on = optional_datetime(_("modified at the provider"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    pulled_at = optional_datetime(_("polled at"), _("When the provider was last called."))
    synced_at = optional_datetime(
        _("synced at"), _("When the provider was called for the data in this row.")
    )
    pulling_since = optional_datetime(_("polling since"), _("Set while a call is running."))
    poll_count = models.PositiveSmallIntegerField(
        _("poll count"), default=0, help_text=_("Number of calls to the provider.")
    )
    last_change_at = optional_datetime(
        _("last change at"), _("When the status last changed or an attempt was added.")
    )
    next_poll_at = optional_datetime(_("next poll at"))
    erased_at = optional_datetime(_("anonymized at"))

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
