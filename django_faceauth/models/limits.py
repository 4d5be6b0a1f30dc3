"""How often somebody tried, and who has to wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.models.challenge import FaceChallenge
from django_faceauth.models.database import Row, Rows


class AttemptRequest(Row):
    """One attempt that was asked for, counted against the limits.

    Written before the provider is called, as unsuccessful; taken back when nothing was made.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_attempt_requests",
        verbose_name=_("user"),
    )
    # The part that is about the session alone: another cookie does not restart the count.
    session_digest = models.CharField(_("session"), max_length=64)
    challenge = models.ForeignKey(
        FaceChallenge,
        null=True,
        on_delete=models.SET_NULL,
        related_name="attempt_requests",
        verbose_name=_("face challenge"),
    )
    is_successful = models.BooleanField(_("approved"), default=False)
    at = models.DateTimeField(pgettext_lazy("column", "at"))

    class Meta:
        verbose_name = _("attempt request")
        verbose_name_plural = _("attempt requests")
        indexes = [
            models.Index(fields=["user", "at"], name="faceauth_asked_user"),
            models.Index(fields=["session_digest", "at"], name="faceauth_asked_session"),
            models.Index(fields=["at"], name="faceauth_asked_at"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class LockoutQuerySet(Rows["Lockout"]):
    """Look-ups of lock-outs."""

    def in_force(self, *, user_id: Any, now: datetime) -> LockoutQuerySet:
        """Lock-outs of a user that hold at `now`."""
        return self.filter(user_id=user_id, lifted_at=None, until__gt=now)

    def reported(self) -> LockoutQuerySet:
        """Those that a user asked for by saying: that was not me."""
        return self.filter(reason=Lockout.Reason.REPORTED)


class Lockout(Row):
    """A time in which a user cannot start an attempt, in any session."""

    class Reason(models.TextChoices):
        """Why the user is locked out."""

        DECLINED = "declined", _("declined too often in a row")
        REPORTED = "reported", pgettext_lazy("lockout", "reported by the user")
        REVIEWED = "reviewed", _("locked by a reviewer")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_lockouts",
        verbose_name=_("user"),
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    started_at = models.DateTimeField(_("started at"))
    until = models.DateTimeField(pgettext_lazy("column", "until"))
    lifted_at = models.DateTimeField(
        _("lifted at"), null=True, blank=True, help_text=_("When it was ended before its time.")
    )

    objects = LockoutQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("lockout")
        verbose_name_plural = _("lockouts")
        indexes = [models.Index(fields=["user", "until"], name="faceauth_locked_user")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_for_declines(self) -> bool:
        """Whether it is the user's own bad luck; else somebody has to look into it."""
        return self.reason == self.Reason.DECLINED
