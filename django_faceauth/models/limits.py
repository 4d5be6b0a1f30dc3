"""Limits of users, and of calls to the provider."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.models.challenge import FaceChallenge
from django_faceauth.models.database import Row, Rows
from django_faceauth.models.enrolment import IdentityVerification
from django_faceauth.models.resource import optional_datetime, user_key


class AttemptRequest(Row):
    """One requested attempt, counted against the limits.

    Written as unsuccessful before the provider is called; deleted when no attempt was created.
    """

    user = user_key("face_attempt_requests")
    # The part about the session alone: a new cookie does not restart the count.
    session_digest = models.CharField(_("session"), max_length=64)
    challenge = models.ForeignKey(
        FaceChallenge,
        null=True,
        on_delete=models.SET_NULL,
        related_name="attempt_requests",
        verbose_name=_("face challenge"),
    )
    verification = models.ForeignKey(
        IdentityVerification,
        null=True,
        on_delete=models.SET_NULL,
        related_name="attempt_requests",
        verbose_name=_("identity verification"),
    )
    by_sms = models.BooleanField(_("link sent by SMS"), default=False)
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


class LockoutQuerySet(Rows["Lockout"]):
    def in_force(self, *, user_id: Any, now: datetime) -> LockoutQuerySet:
        """Return the lock-outs of a user that hold at `now`."""
        return self.filter(user_id=user_id, lifted_at=None, until__gt=now)

    def reported(self) -> LockoutQuerySet:
        """Return those that a user caused with a report."""
        return self.filter(reason=Lockout.Reason.REPORTED)


class Lockout(Row):
    """A period in which a user cannot start an attempt in any session."""

    class Reason(models.TextChoices):
        DECLINED = "declined", _("declined too often in a row")
        REPORTED = "reported", pgettext_lazy("lockout", "reported by the user")
        REVIEWED = "reviewed", _("locked by a reviewer")

    user = user_key("face_lockouts")
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    started_at = models.DateTimeField(_("started at"))
    until = models.DateTimeField(pgettext_lazy("column", "until"))
    lifted_at = optional_datetime(_("lifted at"), _("When staff ended it early."))

    objects = LockoutQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("lock-out")
        verbose_name_plural = _("lock-outs")
        indexes = [models.Index(fields=["user", "until"], name="faceauth_locked_user")]


class ProviderRateLimit(Row):
    """Calls made with one set of credentials, shared by all processes of the site.

    `spent_until` is the time, in microseconds of Unix time, up to which calls are used up at
    the rate that the site allows (the "theoretical arrival time" of the generic cell rate
    algorithm): one number, so that one conditional UPDATE takes a call.
    """

    class Pause(models.TextChoices):
        ASKED_TO = "asked_to", _("the provider asked us to come back later")
        NO_ACCESS = "no_access", _("the provider does not accept our credentials")

    credentials = models.CharField(
        _("credentials"), max_length=64, unique=True, help_text=_("A digest of the credentials.")
    )
    spent_until = models.BigIntegerField(_("spent until"), default=0)
    paused_until = optional_datetime(_("paused until"))
    pause = models.CharField(_("reason of the pause"), max_length=16, choices=Pause, blank=True)

    class Meta:
        verbose_name = _("provider rate limit")
        verbose_name_plural = _("provider rate limits")
