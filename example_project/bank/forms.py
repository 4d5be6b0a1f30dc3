"""Forms of the bank."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from bank.models import Payout
from bank.transfers import balance_of


class PayoutForm(forms.ModelForm):
    class Meta:
        model = Payout
        fields = ["payee", "amount"]

    def clean_amount(self) -> Decimal:
        """Compare the amount with the balance, as `execute` does again."""
        amount: Decimal = self.cleaned_data["amount"]
        if amount > balance_of(self.instance.user):
            raise forms.ValidationError(_("This is more than your balance."))
        return amount


class EmailForm(forms.ModelForm):
    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "email"})
    )

    class Meta:
        model = User
        fields = ["email"]
