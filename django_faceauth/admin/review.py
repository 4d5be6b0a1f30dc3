"""Review queue, and the page on which a reviewer records a verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_faceauth.admin import base, display
from django_faceauth.admin.filters import QueueFilter, ReasonFilter
from django_faceauth.exceptions import ReviewRefused
from django_faceauth.models import FaceAuthentication, ReviewCase, Verdict
from django_faceauth.services.review import timeline, verdicts


class VerdictForm(forms.Form):
    finding = forms.ChoiceField(
        label=gettext_lazy("Finding"), choices=Verdict.Finding.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("What you saw. Required for “suspicious” and “fraud”."),
    )
    lock = forms.ChoiceField(
        label=gettext_lazy("Lock"),
        choices=[  # in days
            ("", gettext_lazy("Do not lock")),
            ("1", gettext_lazy("Lock face checks for a day")),
            ("30", gettext_lazy("Lock face checks for 30 days")),
        ],
        required=False,
        help_text=gettext_lazy("Only for “suspicious” and “fraud”."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_adverse = cleaned.get("finding") in verdicts.ADVERSE
        if is_adverse and not cleaned.get("note", "").strip():
            self.add_error("note", _("Please describe what you saw."))
        if cleaned.get("lock") and not is_adverse:
            self.add_error("lock", _("A genuine face does not lead to a lock-out."))
        return cleaned


def take_verdict(
    request: HttpRequest, pk: int, *, model_admin: ModelAdmin[Any]
) -> HttpResponseBase:
    """Show an authentication with its timeline, and record the verdict of the reviewer."""
    row = get_object_or_404(FaceAuthentication.objects.select_related("user"), pk=pk)
    form = VerdictForm(request.POST if request.method == "POST" else None)
    site = model_admin.admin_site
    if form.is_valid() and _record(form, row, request, model_admin):
        return redirect(reverse(f"{site.name}:faceauth_reviewcase_changelist"))
    case = getattr(row, "review_case", None)
    challenge = getattr(row, "challenge", None)
    with_fraud = base.sees_fraud(request)
    why = display.reasons(case, with_fraud=with_fraud) if case else display.NOTHING
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": _("Review"),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "original": row,
        "form": form,
        "facts": [
            (_("Reason"), why),
            (_("Status"), display.status(row.status)),
            (_("Response codes"), display.codes(row, with_fraud=with_fraud)),
            (_("Risk labels"), display.labels(row, with_fraud=with_fraud)),
            (_("User"), row.user.get_username()),
            (_("Action"), (challenge.action if challenge else "") or _("any page")),
            (_("Age"), display.age(row.created_at, timezone.now())),
            (_("At the provider"), display.provider_link(row)),
        ],
        "timeline": timeline.of(row),
        "face_url": base.face_url(request, row, site),
        "is_own": row.user_id == request.user.pk,
    }
    return TemplateResponse(request, "admin/faceauth/review.html", context)


def _record(
    form: VerdictForm, row: FaceAuthentication, request: HttpRequest, model_admin: ModelAdmin[Any]
) -> bool:
    finding = Verdict.Finding(form.cleaned_data["finding"])
    days = form.cleaned_data["lock"]
    try:
        verdicts.record(
            row,
            finding=finding,
            note=form.cleaned_data["note"],
            reviewer=request.user,  # type: ignore[arg-type]  # staff, says the admin
            lock_for=timedelta(days=int(days)) if days else None,
            now=timezone.now(),
        )
    except ReviewRefused:
        form.add_error(None, _("You cannot review yourself. Ask another reviewer."))
        return False
    model_admin.log_change(request, row, _("Verdict: %(finding)s") % {"finding": finding.label})
    messages.success(request, _("Recorded: %(finding)s.") % {"finding": finding.label})
    return True


class ReviewCaseAdmin(base.FraudAwareMixin, base.ReadOnlyModelAdmin):
    """The review queue, the newest case first."""

    list_display = ("subject", "user", "status", "why", "waits_since", "findings")
    list_filter = (QueueFilter, ReasonFilter)
    list_select_related = ("authentication__user",)
    ordering = ("-raised_at",)
    search_paths: ClassVar[Any] = {
        **{"fav_": "authentication__provider_id", "": "authentication__user"}
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("authentication__verdicts")

    def change_view(
        self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any
    ) -> HttpResponse:
        """Redirect to the authentication, where verdicts are recorded."""
        case = get_object_or_404(ReviewCase, pk=object_id if object_id.isdecimal() else 0)
        page = "review" if base.may(request, "review_faceauthentication") else "change"
        name = f"{self.admin_site.name}:faceauth_faceauthentication_{page}"
        return redirect(reverse(name, args=[case.authentication_id]))

    @admin.display(description=gettext_lazy("face authentication"))
    def subject(self, case: ReviewCase) -> str:
        return display.named(case.authentication)

    @admin.display(description=gettext_lazy("user"))
    def user(self, case: ReviewCase) -> str:
        return case.authentication.user.get_username()

    @admin.display(description=gettext_lazy("status"))
    def status(self, case: ReviewCase) -> str:
        return display.status(case.authentication.status)

    @admin.display(description=pgettext_lazy("review case", "why"))
    def why(self, case: Any) -> str:
        return display.reasons(case, with_fraud=case.with_fraud)

    @admin.display(description=gettext_lazy("waiting since"))
    def waits_since(self, case: ReviewCase) -> str:
        return display.age(case.raised_at, timezone.now())

    @admin.display(description=gettext_lazy("verdicts"))
    def findings(self, case: ReviewCase) -> str:
        badges = (
            (display.badge(verdict.finding, verdict.get_finding_display()),)
            for verdict in case.authentication.verdicts.all()
        )
        return format_html_join(" ", "{}", badges) or display.NOTHING
