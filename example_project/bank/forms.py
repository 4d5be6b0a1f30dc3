"""What customers fill in."""

from __future__ import annotations

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from bank.models import Payout


class PayoutForm(forms.ModelForm):
    """Whom to pay, and how much."""

    class Meta:
        model = Payout
        fields = ["payee", "amount"]


class EmailForm(forms.ModelForm):
    """Where the bank writes to."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "email"})
    )

    class Meta:
        model = User
        fields = ["email"]
