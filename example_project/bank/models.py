"""What the bank remembers."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class PayoutQuerySet(models.QuerySet["Payout"]):
    """What is asked about payouts."""

    def of(self, user: User) -> PayoutQuerySet:
        """Payouts of one customer; of nobody else is anything shown."""
        return self.filter(user_id=user.pk)


class Payout(models.Model):
    """Money that a customer sent, and the face check that let them."""

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
    face_challenge = models.CharField(_("face challenge"), max_length=64, editable=False)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.amount} → {self.payee}"

    def get_absolute_url(self) -> str:
        """Return the address of the receipt."""
        return reverse("receipt", args=[self.pk])
