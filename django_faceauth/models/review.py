"""The review queue and its verdicts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.models.authentication import FaceAuthentication
from django_faceauth.models.database import Row
from django_faceauth.models.resource import optional_datetime


class ReviewCase(Row):
    """An authentication that needs a review, and why."""

    class Reason(models.TextChoices):
        FRAUD = "fraud", _("fraud code")
        DURESS = "duress", _("may have been forced")
        TURNED = "turned", _("approved after declines")
        ATTEMPTS = "attempts", _("many attempts")
        AUDIT = "audit", _("changed by the provider’s audit")
        NETWORK = "network", _("approved from a new network")
        RELAY = "relay", _("face from another network than the browser")
        REPORTED = "reported", pgettext_lazy("review case", "reported by the user")
        CONTESTED = "contested", _("contested by the user")

    authentication = models.OneToOneField(
        FaceAuthentication,
        on_delete=models.CASCADE,
        related_name="review_case",
        verbose_name=_("face authentication"),
    )
    reasons = models.JSONField(_("reasons"), default=list)
    raised_at = models.DateTimeField(_("raised at"))
    settled_at = optional_datetime(_("settled at"), _("Empty while the case is in the queue."))

    class Meta:
        verbose_name = _("review case")
        verbose_name_plural = _("review cases")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["settled_at", "-raised_at"], name="faceauth_queue")]


class Verdict(Row):
    """One reviewer's finding about an authentication; a correction is another row."""

    class Finding(models.TextChoices):
        GENUINE = "genuine", _("genuine")
        SUSPICIOUS = "suspicious", _("suspicious")
        FRAUD = "fraud", _("fraud")

    authentication = models.ForeignKey(
        FaceAuthentication,
        on_delete=models.CASCADE,
        related_name="verdicts",
        verbose_name=_("face authentication"),
    )
    finding = models.CharField(_("finding"), max_length=16, choices=Finding)
    note = models.TextField(_("note"), blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        verbose_name=_("reviewer"),
    )
    at = models.DateTimeField(pgettext_lazy("column", "at"))

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        ordering = ["at", "pk"]
        default_permissions = ("view",)
