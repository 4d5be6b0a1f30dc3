"""What staff and commands did: one line each, chained, never changed (L-03)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.models.append_only import AppendOnly
from django_faceauth.models.database import Row

#: Long enough for the primary key of any user model.
WHO_LENGTH = 64


class AuditEntry(AppendOnly):
    """One thing that somebody did. Names people by their primary key alone (L-02).

    Numbers have no gaps, and each row holds the digest of the one before: whoever changes or
    takes out a row breaks the chain.
    """

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    at = models.DateTimeField(pgettext_lazy("column", "at"))
    event = models.CharField(_("event"), max_length=32)
    by = models.CharField(
        pgettext_lazy("column", "by"),
        max_length=WHO_LENGTH,
        blank=True,
        help_text=_("Nobody means a command."),
    )
    subject = models.CharField(
        pgettext_lazy("column", "about"),
        max_length=100,
        blank=True,
        help_text=_("Model and primary key."),
    )
    details = models.JSONField(_("details"), default=dict, blank=True)
    digest = models.CharField(_("digest"), max_length=64)

    class Meta(AppendOnly.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-number"]
        indexes = [models.Index(fields=["subject", "at"], name="faceauth_audit_subject")]

    def __str__(self) -> str:
        return f"{self.number} {self.event}"


class AuditHead(Row):
    """Where the log ends: a row that was cut off its end is missed all the same."""

    count = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.count} audit entries"
