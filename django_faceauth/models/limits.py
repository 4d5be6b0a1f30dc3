"""How often somebody tried, and who has to wait."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AttemptRequest(models.Model):
    """One attempt that was asked for, counted against the limits.

    Written before the provider is called, and taken back when it said no.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_attempt_requests",
        verbose_name=_("user"),
    )
    session_digest = models.CharField(_("session"), max_length=64)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("attempt request")
        verbose_name_plural = _("attempt requests")
        indexes = [
            models.Index(fields=["user", "at"], name="faceauth_asked_user"),
            models.Index(fields=["session_digest", "at"], name="faceauth_asked_session"),
            models.Index(fields=["at"], name="faceauth_asked_at"),
        ]

    def __str__(self) -> str:
        return f"attempt request {self.pk}"


class Lockout(models.Model):
    """A time in which a user cannot start an attempt, in any session."""

    class Reason(models.TextChoices):
        """Why the user is locked out."""

        DECLINED = "declined", _("declined too often in a row")
        REPORTED = "reported", _("reported by the user")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_lockouts",
        verbose_name=_("user"),
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    started_at = models.DateTimeField(_("started at"))
    until = models.DateTimeField(_("until"))
    lifted_at = models.DateTimeField(
        _("lifted at"), null=True, blank=True, help_text=_("When it was ended before its time.")
    )

    class Meta:
        verbose_name = _("lockout")
        verbose_name_plural = _("lockouts")
        indexes = [models.Index(fields=["user", "until"], name="faceauth_locked_user")]

    def __str__(self) -> str:
        return f"lockout {self.pk}"
