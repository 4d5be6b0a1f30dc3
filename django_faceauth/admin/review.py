"""The queue of what deserves eyes, and the page on which a reviewer says what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_faceauth.admin import display
from django_faceauth.admin.base import FraudAware, face_url, may, sees_fraud
from django_faceauth.exceptions import ReviewRefused
from django_faceauth.models import FaceAuthentication, ReviewCase, Verdict
from django_faceauth.services.review import timeline, verdicts

QUEUE: Final = "faceauth_reviewcase_changelist"

#: How long an adverse verdict can keep somebody from face checks, in days.
LOCKS: Final = (
    ("", gettext_lazy("Do not lock")),
    ("1", gettext_lazy("Lock face checks for a day")),
    ("30", gettext_lazy("Lock face checks for 30 days")),
)


class VerdictForm(forms.Form):
    """What a reviewer found."""

    finding = forms.ChoiceField(
        label=gettext_lazy("What is it?"), choices=Verdict.Finding.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("What you saw. Needed for “suspicious” and “fraud”."),
    )
    lock = forms.ChoiceField(
        label=gettext_lazy("Lock"),
        choices=LOCKS,
        required=False,
        help_text=gettext_lazy("Only for “suspicious” and “fraud”."),
    )

    def clean(self) -> dict[str, Any]:
        """Say what does not go together, before it is refused."""
        cleaned = super().clean() or {}
        is_adverse = cleaned.get("finding") in verdicts.ADVERSE
        if is_adverse and not cleaned.get("note", "").strip():
            self.add_error("note", _("Please write down what you saw."))
        if cleaned.get("lock") and not is_adverse:
            self.add_error("lock", _("Nobody is locked out for a genuine face."))
        return cleaned

    @property
    def lock_for(self) -> timedelta | None:
        """How long the person is kept from face checks."""
        days = self.cleaned_data.get("lock")
        return timedelta(days=int(days)) if days else None


def take_verdict(request: HttpRequest, pk: int, *, desk: ModelAdmin[Any]) -> HttpResponseBase:
    """Show an authentication with all that happened, and record what the reviewer found."""
    row = get_object_or_404(FaceAuthentication.objects.select_related("user"), pk=pk)
    form = VerdictForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _is_recorded(form, row, request, desk):
        return redirect(reverse(f"{desk.admin_site.name}:{QUEUE}"))
    request.current_app = desk.admin_site.name
    context = {
        **desk.admin_site.each_context(request),
        "title": _("Review"),
        "opts": desk.opts,
        "media": desk.media,
        "original": row,
        "form": form,
        "facts": _facts(row, request),
        "timeline": timeline.of(row),
        "face_url": face_url(request, row, desk.admin_site),
        "is_own": row.user_id == request.user.pk,
    }
    return TemplateResponse(request, "admin/faceauth/review.html", context)


def _is_recorded(
    form: VerdictForm, row: FaceAuthentication, request: HttpRequest, desk: ModelAdmin[Any]
) -> bool:
    finding = Verdict.Finding(form.cleaned_data["finding"])
    try:
        verdicts.record(
            row,
            finding=finding,
            note=form.cleaned_data["note"],
            reviewer=request.user,  # type: ignore[arg-type]  # staff, says the admin
            lock_for=form.lock_for,
            now=timezone.now(),
        )
    except ReviewRefused:
        form.add_error(None, _("Nobody gives a verdict on themselves. Ask somebody else."))
        return False
    desk.log_change(request, row, _("Verdict: %(finding)s") % {"finding": finding.label})
    messages.success(request, _("Recorded: %(finding)s.") % {"finding": finding.label})
    return True


def _facts(row: FaceAuthentication, request: HttpRequest) -> list[tuple[str | Promise, Any]]:
    case = getattr(row, "review_case", None)
    challenge = getattr(row, "challenge", None)
    with_fraud = sees_fraud(request)
    return [
        (
            _("Why it is here"),
            display.reasons(case, with_fraud=with_fraud) if case else display.NOTHING,
        ),
        (_("Status"), display.status(row.status)),
        (_("Response codes"), display.codes(row, with_fraud=with_fraud)),
        (_("Risk labels"), display.labels(row, with_fraud=with_fraud)),
        (_("User"), row.user.get_username()),
        (_("Action"), (challenge.action if challenge else "") or _("any page")),
        (_("Age"), display.age(row.created_at, timezone.now())),
        (_("At the provider"), display.provider_link(row)),
    ]


class WaitingFilter(SimpleListFilter):
    """The queue, or what was settled."""

    title = gettext_lazy("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Return the choices beside the queue itself."""
        return [("settled", gettext_lazy("Settled")), ("all", gettext_lazy("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Call what is shown without a choice what it is."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Waiting")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what waits, unless told otherwise."""
        if self.value() == "all":
            return queryset
        return queryset.filter(settled_at__isnull=self.value() != "settled")


class ReasonFilter(SimpleListFilter):
    """Why something is in the queue."""

    title = gettext_lazy("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Return the reasons; those of fraud for those who may see it (V-12)."""
        hidden = frozenset() if sees_fraud(request) else display.SENSITIVE
        return [(name, text) for name, text in ReviewCase.Reason.choices if name not in hidden]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        value = self.value()
        if not value:
            return queryset
        if value not in dict(self.lookup_choices):  # of fraud, or made up to match it
            return queryset.none()
        # A list of a few words: its text is searched, since not every database looks into JSON.
        return queryset.filter(reasons__icontains=f'"{value}"')


class QueueDesk(FraudAware):
    """What deserves a pair of eyes, the newest first."""

    list_display = ("subject", "user", "status", "why", "waits_since", "findings")
    list_filter = (WaitingFilter, ReasonFilter)
    list_select_related = ("authentication__user",)
    ordering = ("-raised_at",)
    sortable_by = ()
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read the verdicts of a page at once."""
        return super().get_queryset(request).prefetch_related("authentication__verdicts")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Go on to the authentication, which is where a verdict is given."""
        case = get_object_or_404(ReviewCase, pk=object_id if object_id.isdecimal() else 0)
        page = "review" if may(request, "review_faceauthentication") else "change"
        name = f"{self.admin_site.name}:faceauth_faceauthentication_{page}"
        return redirect(reverse(name, args=[case.authentication_id]))

    @admin.display(description=gettext_lazy("face authentication"))
    def subject(self, case: ReviewCase) -> str:
        """Show what it is about."""
        return str(case.authentication)

    @admin.display(description=gettext_lazy("user"))
    def user(self, case: ReviewCase) -> str:
        """Show whose it is."""
        return case.authentication.user.get_username()

    @admin.display(description=gettext_lazy("status"))
    def status(self, case: ReviewCase) -> str:
        """Show the provider's status."""
        return display.status(case.authentication.status)

    @admin.display(description=pgettext_lazy("review case", "why"))
    def why(self, case: Any) -> str:
        """Show the reasons."""
        return display.reasons(case, with_fraud=case.with_fraud)

    @admin.display(description=gettext_lazy("waits for"))
    def waits_since(self, case: ReviewCase) -> str:
        """Show how long ago it came here."""
        return display.age(case.raised_at, timezone.now())

    @admin.display(description=gettext_lazy("verdicts"))
    def findings(self, case: ReviewCase) -> str:
        """Show what reviewers found, the first first."""
        found = case.authentication.verdicts.all()
        shown = [display.badge(one.finding, one.get_finding_display()) for one in found]
        return format_html(" ".join(["{}"] * len(shown)), *shown) if shown else display.NOTHING
