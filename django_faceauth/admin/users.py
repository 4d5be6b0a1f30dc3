"""Who is who at the provider, who may pass without a face, and who has to wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_faceauth import clocks
from django_faceauth.admin.actions import confirmed
from django_faceauth.admin.base import DeclaredLookups, Desk, goes_along, may
from django_faceauth.gate.admin import FaceRequiredModelAdmin, face_required_action
from django_faceauth.gate.decorators import run_gated
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, FaceExemption
from django_faceauth.services import staff_actions
from django_faceauth.services.enrolment import applicants


class ApplicantForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameters at run time
    """Whom the provider knows a user as."""

    class Meta:
        """The two that belong together."""

        model = Applicant
        fields = ("user", "applicant_id")

    def clean_applicant_id(self) -> str:
        """Say no to what cannot be an applicant."""
        applicant_id: str = self.cleaned_data["applicant_id"]
        if not is_id(applicant_id, Prefix.APPLICANT):
            raise ValidationError(_("An applicant id begins with aplt_."))
        return applicant_id


class AskingBeforeAdding(FaceRequiredModelAdmin):
    """Asks for a face before changes, and before a form to add is filled in.

    Looking needs no face. A form that was refused would be empty again.
    """

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form to add, behind the gate."""
        show = partial(super().add_view, request, form_url, extra_context)
        if request.method == "POST" or not self.has_add_permission(request):
            return show()
        answer: HttpResponse = run_gated(request, replace(self.face_policy, methods=None), show)
        return answer


class ApplicantDesk(DeclaredLookups, AskingBeforeAdding):
    """Whose face opens whose account: whoever changes that shows their own face first (G-12)."""

    form = ApplicantForm
    list_display = ("user", "applicant_id", "created_at")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    readonly_fields: ClassVar[Any] = ("created_at",)
    actions = None

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search by the applicant, or by the name that users log in with."""
        return ("=applicant_id", f"user__{get_user_model().USERNAME_FIELD}")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """An applicant does not move on to another user."""
        return ("created_at",) if obj is None else ("user", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those unlink who may; and rows go with their user."""
        return goes_along(self, request) or super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Link them as enrolment does: what the former applicant was granted ends."""
        linked = applicants.link(obj.user, obj.applicant_id)
        obj.pk, obj.created_at = linked.pk, linked.created_at


class ExemptionForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameters at run time
    """Who may pass without a face, why, and until when."""

    #: Whoever fills it in.
    author: AbstractBaseUser

    class Meta:
        """What the author says; who and when is known."""

        model = FaceExemption
        fields = ("user", "action", "reason", "expires_at")

    def clean_expires_at(self) -> datetime:
        """Say no to what is over, and to what has no end."""
        expires_at: datetime = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise ValidationError(_("An exemption ends in the future."))
        if expires_at >= clocks.LATEST:
            latest = {"year": clocks.LATEST.year}
            raise ValidationError(_("An exemption ends before %(year)s.") % latest)
        return expires_at

    def clean_user(self) -> AbstractBaseUser:
        """Say no to people who would exempt themselves."""
        user: AbstractBaseUser = self.cleaned_data["user"]
        if user.pk == self.author.pk:
            raise ValidationError(_("Nobody exempts themselves."))
        return user


class ExemptionDesk(DeclaredLookups, AskingBeforeAdding):
    """Leave to pass without a face: given by somebody who showed theirs, for a reason."""

    form = ExemptionForm
    list_display = ("user", "action", "author", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user", "author")
    raw_id_fields = ("user",)
    actions = (
        confirmed(
            "end_exemptions",
            staff_actions.end_exemption,
            title=gettext_lazy("End these exemptions"),
            warning=gettext_lazy("From now on these people are asked for their face."),
            right="change",
        ),
    )

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let the form know who fills it in."""
        form = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (form,), {"author": request.user})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Exempt them, as the service does: with a signal, and in the author's name."""
        given = form.cleaned_data
        row = staff_actions.exempt(
            given["user"],
            action=given["action"],
            reason=given["reason"],
            author=request.user,  # type: ignore[arg-type]  # staff, says the admin
            expires_at=given["expires_at"],
            now=timezone.now(),
        )
        obj.pk, obj.created_at, obj.author_id = row.pk, row.created_at, row.author_id

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let what was given be taken back by an action, and not be changed."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Keep them: they say why somebody got in."""
        return goes_along(self, request)


class LockoutDesk(Desk):
    """Who has to wait, and until when."""

    list_display = ("user", "reason", "started_at", "until", "lifted_at")
    list_select_related = ("user",)
    list_filter = ("reason",)
    ordering = ("-pk",)
    actions = (
        face_required_action()(
            confirmed(
                "lift",
                staff_actions.lift,
                title=gettext_lazy("Let them try again"),
                warning=gettext_lazy(
                    "These people were locked out because somebody may be pretending to be them."
                ),
                right="lift",
            )
        ),
    )

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Tell who may end a lock-out before its time."""
        return may(request, "change_lockout")
