"""What customers fill in."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from bank.models import Payout
from bank.transfers import balance_of


class PayoutForm(forms.ModelForm):
    """Whom to pay, and how much."""

    class Meta:
        model = Payout
        fields = ["payee", "amount"]

    def clean_amount(self) -> Decimal:
        """Hold the amount against the balance; it is asked again when the money goes."""
        amount: Decimal = self.cleaned_data["amount"]
        if amount > balance_of(self.instance.user):
            raise forms.ValidationError(_("This is more than your balance."))
        return amount


class EmailForm(forms.ModelForm):
    """Where the bank writes to."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "email"})
    )

    class Meta:
        model = User
        fields = ["email"]
