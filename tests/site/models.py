"""What the test site keeps: something to approve."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models


class Staff(User):
    """A proxy of the user model."""

    class Meta:
        proxy = True


class Customer(User):
    """A child of the user model, with a key of its own."""

    number = models.BigAutoField(primary_key=True)
    account = models.OneToOneField(User, on_delete=models.CASCADE, parent_link=True)


class Payment(models.Model):
    """Money that is to move, and the face check that let it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    payee = models.TextField()
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    note = models.CharField(max_length=100, blank=True)
    paid = models.PositiveIntegerField(default=0)
    approved_by = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.amount} to {self.payee}"
