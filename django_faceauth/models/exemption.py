"""Exemptions from face checks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.models.challenge import ACTION_LENGTH
from django_faceauth.models.database import Row, Rows
from django_faceauth.models.resource import optional_datetime, user_key

#: The action of an exemption from every gate.
EVERY_ACTION = "*"


class FaceExemptionQuerySet(Rows["FaceExemption"]):
    def standing(self, *, user_id: Any, now: datetime) -> FaceExemptionQuerySet:
        """Return the exemptions of a user that are in force at `now`."""
        return self.filter(user_id=user_id, expires_at__gt=now, revoked_at=None)


class FaceExemption(Row):
    """Permission for one user to pass without a face for a limited time.

    `action` is the action of the gates that it is for; `"*"` is every gate.
    """

    user = user_key("face_exemptions")
    action = models.CharField(_("action"), max_length=ACTION_LENGTH, blank=True)
    reason = models.TextField(_("reason"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("granted by"),
    )
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = optional_datetime(_("ended at"))

    objects = FaceExemptionQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("face exemption")
        verbose_name_plural = _("face exemptions")
        indexes = [models.Index(fields=["user", "expires_at"], name="faceauth_exempt")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="faceauth_exemption_has_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="faceauth_exemption_ends",
            ),
        ]
