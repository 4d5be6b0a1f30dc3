"""The bank's own rows at the desk of its staff."""

from __future__ import annotations

from django.contrib import admin

from bank.models import Payout


@admin.register(Payout)
class PayoutAdmin(admin.ModelAdmin):
    """Payouts, each with the face check that let it through."""

    list_display = ["created_at", "user", "payee", "amount", "face_challenge"]
    list_select_related = ["user"]
