"""Payouts in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from bank.models import Payout


@admin.register(Payout)
class PayoutAdmin(admin.ModelAdmin):
    """Payouts with the face check that approved them, read-only."""

    list_display = ["created_at", "user", "payee", "amount", "state", "face_challenge"]
    list_filter = ["state"]
    list_select_related = ["user"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's argument
        """Only customers send money."""
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Payout | None = None,  # noqa: ARG002
    ) -> bool:
        """Payouts cannot be changed after the fact."""
        return False
