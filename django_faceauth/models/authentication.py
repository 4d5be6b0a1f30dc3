"""The mirror of the provider's face authentications and attempts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row
from django_faceauth.models.resource import STATUS_LENGTH, Resource, optional_datetime, user_key


class FaceAuthentication(Resource):
    """Mirror of one `fav_` object."""

    user = user_key("face_authentications")
    risk_labels = models.JSONField(_("risk labels"), default=list, blank=True)
    attempts_synced_at = optional_datetime(
        _("attempts synced at"), _("When the provider was called for the attempts of this row.")
    )

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


class Dashboard(FaceAuthentication):
    """The dashboard in the admin's index, which lists models only."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = _("dashboard")
        default_permissions = ()


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
    created_on = optional_datetime(_("created at the provider"))
    modified_on = optional_datetime(_("modified at the provider"))
    created_at = models.DateTimeField(_("created at"))
    capture_not_before = models.DateTimeField(_("face not captured before"))
    capture_not_after = optional_datetime(_("face captured by"))
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
            models.Index(fields=["status", "at"], name="faceauth_change_age")
        ]

    def __str__(self) -> str:
        return f"{self.previous or '·'} → {self.status}"
