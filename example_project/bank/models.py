"""What the bank remembers."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

#: Enough to find a challenge by, too little to name it to the gate.
REFERENCE_LENGTH: Final = 8


class PayoutQuerySet(models.QuerySet["Payout"]):
    """What is asked about payouts."""

    def of(self, user: User) -> PayoutQuerySet:
        """Payouts of one customer; of nobody else is anything shown."""
        return self.filter(user_id=user.pk)

    def drafts(self) -> PayoutQuerySet:
        """Payouts that were written down, and not sent."""
        return self.filter(state=Payout.State.DRAFT)

    def executed(self) -> PayoutQuerySet:
        """Payouts that were sent, the latest first."""
        return self.filter(state=Payout.State.EXECUTED).order_by("-executed_at", "-pk")


class Payout(models.Model):
    """Money that a customer wants to send or has sent, and the approval that it was sent on."""

    class State(models.TextChoices):
        """Where a payout stands; what is executed stays so."""

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
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)
    state = models.CharField(
        _("state"), max_length=16, choices=State, default=State.DRAFT, editable=False
    )
    executed_at = models.DateTimeField(_("sent at"), null=True, editable=False)
    # What the gate said of the approval: it must be told for longer than challenges are kept.
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
        """Return the address of the draft, and later of the receipt."""
        return reverse("payout_detail", args=[self.pk])

    @property
    def is_draft(self) -> bool:
        """Whether it can still be changed, and sent."""
        return self.state == self.State.DRAFT

    @property
    def reference(self) -> str:
        """What people may quote of the approval: the beginning of its name."""
        return self.face_challenge[:REFERENCE_LENGTH]
