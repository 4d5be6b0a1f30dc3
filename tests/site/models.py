"""What the test site keeps: something to approve."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Payment(models.Model):
    """Money that is to move, and the face check that let it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    payee = models.CharField(max_length=100)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    note = models.CharField(max_length=100, blank=True)
    paid = models.PositiveIntegerField(default=0)
    approved_by = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.amount} to {self.payee}"
