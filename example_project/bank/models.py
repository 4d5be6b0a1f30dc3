"""Payouts and their approvals."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

#: Long enough to find a challenge, too short to present it to the gate.
REFERENCE_LENGTH: Final = 8


class PayoutQuerySet(models.QuerySet["Payout"]):
    def of(self, user: User) -> PayoutQuerySet:
        return self.filter(user_id=user.pk)

    def drafts(self) -> PayoutQuerySet:
        return self.filter(state=Payout.State.DRAFT)

    def executed(self) -> PayoutQuerySet:
        """Payouts that were sent, newest first."""
        return self.filter(state=Payout.State.EXECUTED).order_by("-executed_at", "-pk")


class Payout(models.Model):
    """A payment of a customer, and the approval that it was sent with."""

    class State(models.TextChoices):
        """A draft can be changed; an executed payout cannot."""

        DRAFT = "draft", _("draft")
        EXECUTED = "executed", _("sent")

    user = models.ForeignKey(User, on_delete=models.CASCADE, verbose_name=_("customer"))
    payee = models.CharField(_("payee"), max_length=70)
    amount = models.DecimalField(
        _("amount"),
        max_digits=8,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(500)],
        help_text=_("In euros, up to 500 at a time."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.DRAFT, editable=False
    )
    executed_at = models.DateTimeField(_("sent at"), null=True, editable=False)
    # Copied from the gate, because payouts are kept longer than challenges.
    face_challenge = models.CharField(
        _("face challenge"), max_length=64, blank=True, editable=False
    )
    face_method = models.CharField(_("approved by"), max_length=32, blank=True, editable=False)
    face_verified_at = models.DateTimeField(_("approved at"), null=True, editable=False)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="draft", executed_at=None)
                | models.Q(state="executed", executed_at__isnull=False),
                name="bank_executed_has_moment",
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} → {self.payee}"

    def get_absolute_url(self) -> str:
        return reverse("payout_detail", args=[self.pk])

    @property
    def is_draft(self) -> bool:
        """Whether it can still be changed and sent."""
        return self.state == self.State.DRAFT

    @property
    def reference(self) -> str:
        """The beginning of the challenge's handle, for customers to quote."""
        return self.face_challenge[:REFERENCE_LENGTH]
