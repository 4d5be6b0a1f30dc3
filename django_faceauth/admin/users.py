"""Applicants, exemptions and lock-outs of users."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_faceauth import clocks
from django_faceauth.admin import base, display, staff_actions
from django_faceauth.admin.filters import AgeFilter
from django_faceauth.exceptions import ConfigurationError, NotFound, ProviderError
from django_faceauth.gate.admin import FaceRequiredModelAdmin
from django_faceauth.gate.decorators import run_gated
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, FaceExemption, IdentityVerification, database
from django_faceauth.services import audit_log
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import exemptions


class GatedModelAdmin(base.FaceAuthModelAdmin, FaceRequiredModelAdmin):
    """Base of admins that take a face to add and change, and none to view.

    The form to add is gated before it is filled in: after the gate it would be empty again.
    """

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        show = partial(super().add_view, request, form_url, extra_context)
        if request.method == "POST" or not self.has_add_permission(request):
            return show()
        response: HttpResponse = run_gated(request, self.face_policy._replace(methods=None), show)
        return response


class ApplicantForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameters at run time
    class Meta:
        model = Applicant
        fields = ("user", "applicant_id")

    #: Why the applicant cannot be linked; None if the provider knows it.
    refusal: ValidationError | None = None

    def clean_applicant_id(self) -> str:
        if self.refusal is not None:
            raise self.refusal
        applicant_id: str = self.cleaned_data["applicant_id"]
        return applicant_id


def refusal_of(applicant_id: str) -> ValidationError | None:
    """Return why an applicant cannot be linked; None if the provider knows it."""
    if not is_id(applicant_id, Prefix.APPLICANT):
        return ValidationError(_("An applicant id begins with aplt_."))
    try:
        applicants.require_known(applicant_id, now=timezone.now())
    except NotFound:
        return ValidationError(_("The provider does not know this applicant."))
    except (ProviderError, ConfigurationError) as error:
        message = _("The provider cannot be asked: %(error)s")
        return ValidationError(message, params={"error": error})
    return None


class ApplicantAdmin(GatedModelAdmin):
    """Decides whose face opens whose account, so staff confirm their own face first."""

    form = ApplicantForm
    list_display = ("number", "user", "created_at", "usable_from")
    list_select_related = ("user",)
    search_paths = {"aplt_": "applicant_id", "": "user"}
    raw_id_fields = ("user",)
    readonly_fields: ClassVar[Any] = ("created_at", "usable_from")
    actions = None
    number = display.column(
        gettext_lazy("applicant id"), lambda row: display.short(row.applicant_id)
    )

    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask the provider before Django begins its transaction."""
        if request.method == "POST":
            request.faceauth_refusal = refusal_of(request.POST.get("applicant_id", "").strip())
        return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        refusal = getattr(request, "faceauth_refusal", None)
        return type(form.__name__, (form,), {"refusal": refusal})

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """An applicant does not move to another user."""
        return self.readonly_fields if obj is None else ("user", *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_permitted = admin.ModelAdmin.has_delete_permission(self, request, obj)
        return is_permitted or super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Link as enrolment does, which revokes the grants of the former applicant."""
        linked = applicants.link(obj.user, obj.applicant_id, check=False)  # the form has asked
        obj.pk, obj.created_at, obj.usable_from = linked.pk, linked.created_at, linked.usable_from
        by = cast(AbstractBaseUser, request.user)
        audit_log.note("linked", by=by, about=obj, now=timezone.now())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        by = cast(AbstractBaseUser, request.user)
        audit_log.note("unlinked", by=by, about=obj, now=timezone.now())
        super().delete_model(request, obj)


class IdentityVerificationAdmin(base.FraudAwareMixin, base.ReadOnlyModelAdmin):
    """Shows how users enrolled themselves; the row's user leads to their applicant."""

    list_display = ("named", "user", "meaning", "created_at", "state", "outcome", "usable_from")
    list_select_related = ("user", "user__face_applicant")
    list_filter = ("outcome", AgeFilter)
    search_paths = {"idv_": "provider_id", "aplt_": "applicant_id", "": "user"}
    fields = (
        *("state", "meaning", "user", "outcome", "usable_from"),
        *("provider_id", "applicant_id", "replaces", "user_journey_id", "environment"),
        *("created_on", "modified_on", "created_at", "started_at", "returned_at", "ended_at"),
        *("reported_at", "synced_at", "poll_count", "next_poll_at", "erased_at"),
    )

    named = display.column(gettext_lazy("identity verification"), display.named)
    state = display.column(gettext_lazy("status"), lambda row: display.status(row.status))

    @admin.display(description=gettext_lazy("usable from"))
    def usable_from(self, row: IdentityVerification) -> str:
        """Show when the face counts, if the user is still linked to this applicant."""
        applicant: Applicant | None = getattr(row.user, "face_applicant", None)
        if applicant is None or applicant.applicant_id != row.applicant_id:
            return display.NOTHING
        return display_for_value(applicant.usable_from or applicant.created_at, "")


class ExemptionForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameters at run time
    #: The member of staff who fills it in.
    author: AbstractBaseUser

    class Meta:
        model = FaceExemption
        fields = ("user", "action", "reason", "expires_at")

    def clean_expires_at(self) -> datetime:
        expires_at: datetime = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise ValidationError(_("An exemption must end in the future."))
        if expires_at >= clocks.LATEST:
            latest = {"year": clocks.LATEST.year}
            raise ValidationError(_("An exemption must end before %(year)s.") % latest)
        return expires_at

    def clean_user(self) -> AbstractBaseUser:
        user: AbstractBaseUser = self.cleaned_data["user"]
        if user.pk == self.author.pk:
            raise ValidationError(_("You cannot exempt yourself."))
        return user


class FaceExemptionAdmin(GatedModelAdmin):
    """Gives and ends exemptions; the rows stay, as they say why a user got in."""

    form = ExemptionForm
    list_display = ("id", "user", "action", "why", "created_at", "standing", "expires_at", "author")
    list_select_related = ("user", "author")
    raw_id_fields = ("user",)
    actions = (staff_actions.end_exemptions,)
    why = display.column(gettext_lazy("reason"), lambda row: display.short(row.reason, 80))
    standing = display.column(
        gettext_lazy("state"), lambda row: display.period(row.expires_at, row.revoked_at)
    )

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (form,), {"author": request.user})

    @database.repeated
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Exempt through the service, which sends a signal, in the name of the author."""
        author, now = cast(AbstractBaseUser, request.user), timezone.now()
        with database.atomic():
            row = exemptions.exempt(**form.cleaned_data, author=author, now=now)
            audit_log.note("exempted", by=author, about=row, now=now, action=row.action)
        obj.pk, obj.created_at, obj.author_id = row.pk, row.created_at, row.author_id

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Exemptions end by an action, and are not changed."""
        return obj is None and super().has_change_permission(request)


class LockoutAdmin(base.ReadOnlyModelAdmin):
    list_display = ("id", "user", "reason", "started_at", "standing", "until")
    list_select_related = ("user",)
    list_filter = ("reason",)
    actions = (staff_actions.lift,)
    has_lift_permission = base.permission("change_lockout")
    standing = display.column(
        gettext_lazy("state"), lambda row: display.period(row.until, row.lifted_at)
    )
