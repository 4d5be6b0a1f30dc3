"""Review queue, and the page on which a reviewer records a verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_faceauth.admin import base, display
from django_faceauth.admin.filters import QueueFilter, ReasonFilter
from django_faceauth.exceptions import ReviewRefused
from django_faceauth.models import (
    FaceAuthentication,
    FaceChallenge,
    Lockout,
    ReviewCase,
    Verdict,
)
from django_faceauth.services.grants.formatting import lines, moment, visible
from django_faceauth.services.review import timeline, verdicts

#: A case shows at most this many other cases, checks and lock-outs of its user.
MOST_OTHERS: Final = 5

Facts = list[tuple[Any, Any]]


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
    #: How many verdicts the reviewer was shown.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

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
    """Show a case, record the verdict of the reviewer, and go on to the next case."""
    related = FaceAuthentication.objects.select_related("user", "challenge", "review_case")
    row = get_object_or_404(related, pk=pk)
    form = VerdictForm(request.POST if request.method == "POST" else None)
    site = model_admin.admin_site
    if form.is_valid() and _record(form, row, request, model_admin):
        case = verdicts.next_case(row, reviewer=request.user)  # type: ignore[arg-type]  # staff
        if case is not None:
            return redirect(base.case_url(request, case.authentication_id, site))
        messages.success(request, _("There are no more cases for you to review."))
        return redirect(reverse(f"{site.name}:faceauth_reviewcase_changelist"))
    found = list(row.verdicts.select_related("reviewer"))
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": _("Review"),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "original": row,
        "form": form,
        "seen": len(found),
        "sections": _sections(row, found, request, model_admin),
        "timeline": timeline.lines(row),
        "face_url": base.face_url(request, row, site),
        "is_own": row.user_id == request.user.pk,
    }
    return TemplateResponse(request, "admin/faceauth/review.html", context)


def _sections(
    row: FaceAuthentication, found: list[Verdict], request: HttpRequest, model_admin: Any
) -> list[tuple[Any, Facts]]:
    """Return what a case shows: titles, and facts under each."""
    now, site, with_fraud = timezone.now(), model_admin.admin_site, base.sees_fraud(request)
    case: ReviewCase | None = getattr(row, "review_case", None)

    def link(linked: Model, text: str) -> str:
        if base.may_view(type(linked), request, site):
            return display.link(linked, text, site)
        return visible(text)

    facts = [
        (_("Reason"), display.reasons(case, with_fraud=with_fraud) if case else display.NOTHING),
        (_("Status"), display.status(row.status)),
        (_("Review"), model_admin.waits(row)),
        (_("Response codes"), display.codes(row, with_fraud=with_fraud)),
        (_("Risk labels"), display.labels(row, with_fraud=with_fraud)),
        (_("User"), link(row.user, row.user.get_username())),
        (_("Action"), model_admin.action(row)),
        (_("Used for"), model_admin.outcome(row)),
        (_("Age"), display.age(row.created_at, now)),
        (_("At the provider"), display.provider_link(row)),
    ]
    settlement: Facts = []
    for verdict in found:
        who, when = visible(str(verdict.reviewer or _("staff"))), display.age(verdict.at, now)
        text = format_html("{}, {}: <bdi>{}</bdi>", who, when, visible(verdict.note))
        settlement.append((display.badge(verdict.finding, verdict.get_finding_display()), text))
    for lockout in Lockout.objects.in_force(user_id=row.user_id, now=now)[:MOST_OTHERS]:
        settlement.append((_("Locked out until"), link(lockout, moment(lockout.until))))
    others = FaceAuthentication.objects.filter(user=row.user_id).exclude(pk=row.pk)
    newest = others.select_related("challenge", "review_case").order_by("-created_at", "-pk")
    waiting = newest.filter(review_case__isnull=False, review_case__settled_at=None)
    history = [
        (
            display.age(other.created_at, now),
            format_html(
                '<a href="{}">{}</a> {} {} {}',
                base.case_url(request, other.pk, site),
                display.short(str(other)),
                display.status(other.status),
                model_admin.action(other),
                model_admin.waits(other),
            ),
        )
        for other in dict.fromkeys([*waiting[:MOST_OTHERS], *newest[:MOST_OTHERS]])
    ]
    return [
        (row, facts),
        (_("Verdicts and lock-outs"), settlement),
        *_of_challenge(getattr(row, "challenge", None)),
        (_("Other checks and open cases of the user"), history),
    ]


def _of_challenge(challenge: FaceChallenge | None) -> list[tuple[Any, Facts]]:
    """Return what the user was shown, and on which device and network."""
    if challenge is None:
        return []
    snapshot = lines(challenge.snapshot, challenge.snapshot_order)
    by_sms = challenge.attempt_requests.filter(by_sms=True).exists()
    same, other = _("the browser that asked"), _("another device, or not noted")
    relayed = {True: _("no"), False: _("possibly"), None: _("not known")}
    facts = [
        (_("Browser that asked"), challenge.browser or display.NOTHING),
        (_("Back from the camera page"), same if challenge.returned_at else other),
        (_("Link sent to a phone"), _("yes") if by_sms else _("no")),
        (_("Network of the face"), display.networks(challenge)),
        (_("Relayed"), relayed[challenge.is_same_network]),
    ]
    title = _("What was approved") if challenge.granted_at else _("What was to be approved")
    shown = [(line.label, ", ".join(line.values)) for line in snapshot]
    return [(title, shown), (_("Device and network"), facts)]


def _record(
    form: VerdictForm, row: FaceAuthentication, request: HttpRequest, model_admin: Any
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
            seen=form.cleaned_data["seen"],
            now=timezone.now(),
        )
    except ReviewRefused:  # for other reasons than those that the form checks
        if row.user_id == request.user.pk:
            text = _("You cannot review yourself. Ask another reviewer.")
        else:
            text = _("Another reviewer settled this case meanwhile. Record again to add a verdict.")
        form.add_error(None, text)
        return False
    text = _("Recorded for %(user)s (%(action)s): %(finding)s.") % {
        "user": visible(row.user.get_username()),
        "action": model_admin.action(row),
        "finding": finding.label,
    }
    model_admin.log_change(request, row, text)
    url = base.case_url(request, row.pk, model_admin.admin_site)
    link = format_html('{} <a href="{}">{}</a>', text, url, _("Back to that case"))
    messages.success(request, link)
    return True


class ReviewCaseAdmin(base.FraudAwareMixin, base.ReadOnlyModelAdmin):
    """The review queue, the newest case first."""

    list_display = ("subject", "user", "action", "why", "waits_since", "status")
    list_filter = (QueueFilter, ReasonFilter)
    list_select_related = ("authentication__user", "authentication__challenge")
    ordering = ("-raised_at",)
    search_paths = {"fav_": "authentication__provider_id", "": "authentication__user"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("authentication__verdicts")

    def change_view(
        self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any
    ) -> HttpResponse:
        """Redirect to the authentication, where verdicts are recorded."""
        case = get_object_or_404(ReviewCase, pk=object_id if object_id.isdecimal() else 0)
        return redirect(base.case_url(request, case.authentication_id, self.admin_site))

    subject = display.column(gettext_lazy("case"), lambda case: display.named(case.authentication))
    user = display.column(
        gettext_lazy("user"), lambda case: visible(case.authentication.user.get_username())
    )
    action = display.column(
        gettext_lazy("action"),
        lambda case: display.action(getattr(case.authentication, "challenge", None)),
    )
    why = display.column(
        pgettext_lazy("review case", "why"),
        lambda case: display.reasons(case, with_fraud=case.with_fraud),
    )
    waits_since = display.column(
        gettext_lazy("waiting since"), lambda case: display.age(case.raised_at, timezone.now())
    )

    @admin.display(description=gettext_lazy("status"))
    def status(self, case: ReviewCase) -> str:
        """Show the status of the authentication, and the findings of reviewers."""
        badges = [display.status(case.authentication.status)]
        for verdict in case.authentication.verdicts.all():
            badges.append(display.badge(verdict.finding, verdict.get_finding_display()))
        return format_html_join(" ", "{}", zip(badges))


class VerdictAdmin(base.ReadOnlyModelAdmin):
    list_display = ("id", "user", "checked", "why", "at", "found", "reviewer")
    list_select_related = ("authentication__user", "reviewer")
    list_filter = ("finding",)
    search_paths = {"fav_": "authentication__provider_id", "": "authentication__user"}
    user = display.column(gettext_lazy("user"), lambda row: row.authentication.user)
    checked = display.column(
        gettext_lazy("face authentication"), lambda row: display.named(row.authentication)
    )
    why = display.column(gettext_lazy("note"), lambda row: display.short(row.note, 80))
    found = display.badge_column("finding", gettext_lazy("finding"))
