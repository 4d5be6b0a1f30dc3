"""The audit log of staff and commands."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_faceauth.models.database import Row


def _account(name: Any, help_text: Any) -> models.ForeignKey[Any, Any]:
    """Return a column for an account, which the entry outlives and still identifies."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        verbose_name=name,
        help_text=help_text,
    )


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
        UNLINKED = "unlinked", _("Applicant unlinked")
        VERDICT = "verdict", _("Verdict recorded")

    at = models.DateTimeField(_("date"))
    event = models.CharField(_("event"), max_length=32, choices=Event)
    by = _account(pgettext_lazy("column", "by"), _("Empty for a command."))
    user = _account(_("user"), _("Whom it is about."))
    subject = models.CharField(
        pgettext_lazy("column", "about"),
        max_length=100,
        blank=True,
        help_text=_("Model and primary key."),
    )
    details = models.JSONField(_("details"), default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-pk"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["subject", "at"], name="faceauth_audit_subject"),
            # Filters of the admin, for millions of rows.
            models.Index(fields=["event", "at"], name="faceauth_audit_event"),
            models.Index(fields=["at"], name="faceauth_audit_age"),
        ]

    @property
    def author(self) -> str:
        """The name of the author; needs `select_related("by")`."""
        return gettext("a command") if self.by_id is None else self._name(self.by, self.by_id)

    @property
    def whom(self) -> str:
        """The name of the user, or an empty string; needs `select_related("user")`."""
        return "" if self.user_id is None else self._name(self.user, self.user_id)

    def _name(self, user: object, pk: object) -> str:
        return str(user) if user else gettext("deleted user %(pk)s") % {"pk": pk}
