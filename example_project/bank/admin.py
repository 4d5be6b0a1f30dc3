"""What the staff of the bank see and do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bank.models import Payout
from django_faceauth.gate.admin import FaceRequiredModelAdmin
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant
from django_faceauth.services import enrolment


@admin.register(Payout)
class PayoutAdmin(admin.ModelAdmin):
    """Payouts, each with the face check that let it through."""

    list_display = ["created_at", "user", "payee", "amount", "state", "face_challenge"]
    list_filter = ["state"]
    list_select_related = ["user"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's argument
        """Money is sent by customers only."""
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Payout | None = None,  # noqa: ARG002
    ) -> bool:
        """What was sent was sent."""
        return False


class ApplicantForm(forms.ModelForm):
    """Whom the provider knows a customer as."""

    def clean_applicant_id(self) -> str:
        """Say no to what cannot be an applicant."""
        applicant_id: str = self.cleaned_data["applicant_id"]
        if not is_id(applicant_id, Prefix.APPLICANT):
            raise forms.ValidationError(_("An applicant id begins with aplt_."))
        return applicant_id


@admin.register(Applicant)
class ApplicantAdmin(FaceRequiredModelAdmin):
    """Whose face opens whose account: whoever changes that shows their own face first."""

    face_methods = None  # before anything is typed: a form that was refused is empty again
    form = ApplicantForm
    list_display = ["user", "applicant_id", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    readonly_fields = ["created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Applicant | None = None) -> list[str]:
        """An applicant does not move on to another customer."""
        fields = list(super().get_readonly_fields(request, obj))
        return fields if obj is None else ["user", *fields]

    def save_model(self, request: HttpRequest, obj: Applicant, form: Any, change: bool) -> None:  # noqa: ARG002
        """Link them as enrolment does: what the former applicant was granted ends."""
        linked = enrolment.link(obj.user, obj.applicant_id)
        obj.pk, obj.created_at = linked.pk, linked.created_at
