"""The mirror of the provider's face authentications and attempts.

Only `services.sync` writes provider state. `…_on` are the provider's timestamps, `…_at` ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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


class FaceAuthentication(Row):
    """Mirror of one `fav_` object.

    A row without a `provider_id` is a pending creation: the provider is about to be called,
    or its response was lost.
    """

    provider_id = models.CharField(
        _("provider id"), max_length=MAX_LENGTH, unique=True, null=True, blank=True
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_authentications",
        verbose_name=_("user"),
    )
    applicant_id = models.CharField(_("applicant id"), max_length=MAX_LENGTH)
    user_journey_id = models.CharField(_("user journey id"), max_length=MAX_LENGTH)
    environment = models.CharField(_("environment"), max_length=16)
    status = models.CharField(_("status"), max_length=STATUS_LENGTH, blank=True)
    response_codes = models.JSONField(_("response codes"), default=list, blank=True)
    code = models.PositiveIntegerField(
        _("first response code"), null=True, blank=True, help_text=_("For filtering.")
    )
    risk_labels = models.JSONField(_("risk labels"), default=list, blank=True)
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
    attempts_synced_at = models.DateTimeField(
        _("attempts synced at"),
        null=True,
        blank=True,
        help_text=_("When the provider was called for the attempts of this row."),
    )
    next_poll_at = models.DateTimeField(_("next poll at"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    class Meta:
        verbose_name = _("face authentication")
        verbose_name_plural = _("face authentications")
        permissions = [
            ("anonymize_faceauthentication", _("Can anonymize at the provider")),
            ("sync_faceauthentication", _("Can sync with the provider")),
            ("revoke_faceauthentication", _("Can revoke grants")),
            ("review_faceauthentication", _("Can record a verdict")),
            ("export_faceauthentication", _("Can export lists")),
            ("view_fraud_codes", _("Can see fraud codes and risk labels")),
            ("view_face", _("Can view a captured face")),
        ]
        indexes = [
            # The sweep asks for due rows; finished ones have no next poll.
            models.Index(fields=["next_poll_at"], name="faceauth_due"),
            models.Index(fields=["user", "-created_at"], name="faceauth_user_newest"),
            # Filters of the admin, for millions of rows.
            models.Index(fields=["status", "created_at"], name="faceauth_status_age"),
            models.Index(fields=["created_at"], name="faceauth_age"),
            models.Index(fields=["code"], name="faceauth_code"),
            models.Index(fields=["user_journey_id"], name="faceauth_by_journey"),
            models.Index(fields=["applicant_id"], name="faceauth_by_applicant"),
        ]

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


class FaceAttempt(Row):
    """Mirror of one `fatp_` object: never its capture URL, phone number or IP address.

    The face was captured between `capture_not_before` and `capture_not_after`, as far as we
    can prove. Late news moves neither end towards now, so that no delay lengthens an approval.
    """

    authentication = models.ForeignKey(
        FaceAuthentication,
        on_delete=models.CASCADE,
        related_name="attempts",
        verbose_name=_("face authentication"),
    )
    provider_id = models.CharField(_("provider id"), max_length=MAX_LENGTH, unique=True)
    status = models.CharField(_("status"), max_length=STATUS_LENGTH, blank=True)
    response_codes = models.JSONField(_("response codes"), default=list, blank=True)
    created_on = models.DateTimeField(_("created at the provider"), null=True, blank=True)
    modified_on = models.DateTimeField(_("modified at the provider"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    capture_not_before = models.DateTimeField(_("face not captured before"))
    capture_not_after = models.DateTimeField(_("face captured by"), null=True, blank=True)
    network = models.CharField(
        _("network"),
        max_length=32,
        blank=True,
        help_text=_("A keyed digest of the network that the face was captured from."),
    )

    class Meta:
        verbose_name = _("face attempt")
        verbose_name_plural = _("face attempts")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.provider_id


class StatusChange(Row):
    """One step in the history of a face authentication."""

    class Source(models.TextChoices):
        """What led to the change."""

        CREATE = "create", _("creation")
        WEBHOOK = "webhook", _("webhook")
        POLL = "poll", pgettext_lazy("source of news", "poll")
        RETURN = "return", _("return of the browser")
        ADMIN = "admin", pgettext_lazy("source of news", "staff")

    authentication = models.ForeignKey(
        FaceAuthentication,
        on_delete=models.CASCADE,
        related_name="status_changes",
        verbose_name=_("face authentication"),
    )
    previous = models.CharField(_("previous status"), max_length=STATUS_LENGTH, blank=True)
    status = models.CharField(_("status"), max_length=STATUS_LENGTH)
    source = models.CharField(_("source"), max_length=16, choices=Source)
    at = models.DateTimeField(pgettext_lazy("column", "at"))

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        ordering = ["at", "pk"]
        indexes = [
            # The dashboard counts what was reached when.
            models.Index(fields=["status", "at"], name="faceauth_change_age"),
        ]

    def __str__(self) -> str:
        return f"{self.previous or '·'} → {self.status}"
