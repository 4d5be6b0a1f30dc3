"""The audit log of staff and commands."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_faceauth.models.database import Row


class AuditEntry(Row):
    """One action of staff or a command; it names users by their primary key alone."""

    class Event(models.TextChoices):
        ANONYMIZED = "anonymized", _("Anonymized at the provider")
        ERASED = "erased", _("Data of a user erased")
        EXEMPTED = "exempted", _("Exemption granted")
        EXEMPTION_ENDED = "exemption_ended", _("Exemption ended")
        EXPORTED = "exported", _("Face authentications exported")
        EXPORTED_USER = "exported_user", _("Data of a user exported")
        FACE_VIEWED = "face_viewed", _("Captured face viewed")
        LINKED = "linked", _("Applicants linked")
        LOCKOUT_LIFTED = "lockout_lifted", _("Lock-out lifted")
        PURGED = "purged", _("Expired data deleted")
        REPROCESSED = "reprocessed", _("Webhook event processed again")
        REVOKED = "revoked", _("Grants revoked")
        SYNCED = "synced", _("Synced with the provider")
        VERDICT = "verdict", _("Verdict recorded")

    at = models.DateTimeField(pgettext_lazy("column", "at"))
    event = models.CharField(_("event"), max_length=32, choices=Event)
    # The entry outlives the account, and still identifies it.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        verbose_name=pgettext_lazy("column", "by"),
        help_text=_("Empty for a command."),
    )
    subject = models.CharField(
        pgettext_lazy("column", "about"),
        max_length=100,
        blank=True,
        help_text=_("Model and primary key."),
    )
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-pk"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["subject", "at"], name="faceauth_audit_subject")]

    @property
    def author(self) -> str:
        """The name of the author; needs `select_related("by")`."""
        if self.by_id is None:
            return gettext("a command")
        return str(self.by) if self.by else gettext("deleted user %(pk)s") % {"pk": self.by_id}
