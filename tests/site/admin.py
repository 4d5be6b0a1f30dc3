"""The admin of the test site: one without a gate, whose doors have some, and a gated one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from tests.site.models import Payment


def what_is_paid(
    _desk: admin.ModelAdmin[Payment], _request: HttpRequest, rows: QuerySet[Payment]
) -> dict[str, Any]:
    return {"payments": [str(row) for row in rows.order_by("pk")]}


@admin.action(description="Pay out", permissions=["change"])
@face_required_action(action="payout", max_age=180)
def pay_out(
    _desk: admin.ModelAdmin[Payment], request: HttpRequest, rows: QuerySet[Payment]
) -> None:
    rows.update(paid=1, approved_by=request.face.challenge)


@admin.register(Payment)
class PaymentAdmin(FaceRequiredModelAdmin):
    """Asks for a face before changes, and for one of their own before two of its actions."""

    actions = [pay_out, "pay_exactly"]

    @face_required_action(action="exact", bind=what_is_paid)
    def pay_exactly(self, request: HttpRequest, rows: QuerySet[Payment]) -> HttpResponse:
        if "fail" in request.POST:
            raise RuntimeError("no")
        return HttpResponse(f"paid {rows.update(paid=1)}")

    def get_urls(self) -> list[Any]:
        """Add pages of the site's own, one of them two steps down."""
        own = [path("import/", self.import_view), path("more/", include([path("", self.more)]))]
        return [*own, *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"imported {request.method}")

    def more(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"more {request.method}")


class Vault(FaceRequiredAdminSite):
    """An admin of which no page opens without a face."""

    face_max_age = 180


class ClosedPaymentAdmin(FaceRequiredModelAdmin):
    """Asks before anything is seen."""

    face_action = "payments"
    face_methods = None


class Office(admin.AdminSite):
    """An admin without a gate, for comparison."""


vault = Vault(name="vault")
vault.register(Payment)
closed = Office(name="closed")
closed.register(Payment, ClosedPaymentAdmin)
office = Office(name="office")
office.register(Payment)
