"""Face authentications as the provider reports them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_faceauth.admin import (
    base,
    dashboard,
    display,
    exports,
    faces,
    filters,
    review,
    staff_actions,
)
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import FaceAttempt, FaceAuthentication, StatusChange
from django_faceauth.services.review import timeline


class FaceAttemptInline(base.FraudAwareMixin, base.ReadOnlyTabularInline):
    model = FaceAttempt
    fields = ("provider_id", "state", "meaning", "created_at", "captured")
    ordering = ("-created_at", "-pk")

    @admin.display(description=gettext_lazy("status"))
    def state(self, attempt: FaceAttempt) -> str:
        return attempt.status or display.NOTHING

    @admin.display(description=gettext_lazy("face captured"))
    def captured(self, attempt: FaceAttempt) -> str:
        """Show the moments between which the face was captured."""
        if attempt.capture_not_after is None:
            return display.NOTHING
        return f"{attempt.capture_not_before:%H:%M:%S} / {attempt.capture_not_after:%H:%M:%S}"


class FaceAuthenticationAdmin(base.FraudAwareMixin, base.ReadOnlyModelAdmin):
    """The list, the record, and the pages for reviewing and the dashboard."""

    list_display = ("named", "user", "state", "age", "action", "waits", "source", "meaning")
    list_display_links = ("named",)
    list_filter = (
        *(filters.StatusFilter, filters.ActionFilter, filters.JourneyFilter, filters.CodeFilter),
        *(filters.AgeFilter, filters.StuckFilter, filters.ReviewFilter),
        filters.FigureFilter,
    )
    list_select_related = ("user", "challenge", "review_case")
    search_fields = ("provider_id",)
    search_help_text = gettext_lazy("A user name, or an id that begins with fav_, fatp_ or aplt_")
    sortable_by = ()
    actions = (
        *(staff_actions.sync_now, staff_actions.revoke_grants, staff_actions.anonymize),
        *(exports.export_csv, exports.export_json),
    )
    inlines = (FaceAttemptInline,)
    change_list_template = "admin/faceauth/authentications.html"
    change_form_template = "admin/faceauth/authentication.html"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state", "meaning", "labels", "user", "action", "anchor", "outcome")}),
        (
            gettext_lazy("At the provider"),
            {
                "fields": (
                    *("provider_id", "applicant_id", "user_journey_id", "environment"),
                    *("created_on", "modified_on", "provider_link"),
                )
            },
        ),
        (
            gettext_lazy("On this site"),
            {
                "fields": (
                    *("created_at", "synced_at", "source", "poll_count", "next_poll_at"),
                    *("erased_at", "waits", "browser", "networks"),
                )
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for _title, options in self.fieldsets for name in options["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add the source of the last status change, in the same statement."""
        newest = StatusChange.objects.filter(authentication_id=OuterRef("pk")).order_by("-pk")
        rows: QuerySet[Any] = super().get_queryset(request)
        annotated: QuerySet[Any] = rows.annotate(source_=Subquery(newest.values("source")[:1]))
        return annotated

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an id by its index, or else users by the beginning of the name."""
        term = search_term.strip()
        if not term:
            return queryset, False
        for prefix, field in (
            (Prefix.AUTHENTICATION, "provider_id"),
            (Prefix.ATTEMPT, "attempts__provider_id"),
            (Prefix.APPLICANT, "applicant_id"),
        ):
            if is_id(term, prefix):
                return queryset.filter(**{field: term}), False
        return queryset.filter(user_id__in=base.users_named(term)), False

    # -- pages

    def get_urls(self) -> list[URLPattern]:
        guard, name = self.admin_site.admin_view, "faceauth_faceauthentication"
        return [
            path("dashboard/", guard(self.dashboard_view), name="faceauth_dashboard"),
            path("<int:pk>/review/", guard(self.review_view), name=f"{name}_review"),
            path("<int:pk>/face/", guard(self.face_view), name=f"{name}_face"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Add the timeline, and links to the review and the face."""
        row = self.get_object(request, object_id)
        extra = dict(extra_context or {})
        if isinstance(row, FaceAuthentication) and self.has_view_permission(request, row):
            extra |= {"timeline": timeline.of(row), "title": _("Face authentication")}
            extra |= {"may_review": base.may(request, "review_faceauthentication")}
            extra |= {"face_url": base.face_url(request, row, self.admin_site)}
        return super().change_view(request, object_id, form_url, extra)

    def review_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        if not (
            self.has_view_permission(request) and base.may(request, "review_faceauthentication")
        ):
            raise PermissionDenied
        return review.take_verdict(request, pk, model_admin=self)

    def face_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        # Staff without the permission learn neither of the gate nor which faces there are.
        if not base.may(request, "view_face"):
            raise PermissionDenied
        return faces.face(request, pk)

    def dashboard_view(self, request: HttpRequest) -> HttpResponseBase:
        if not base.may(request, "view_faceauthentication"):
            raise PermissionDenied
        return dashboard.dashboard(request, self.admin_site)

    # -- permissions of actions

    has_sync_permission = base.permission("sync_faceauthentication")
    has_revoke_permission = base.permission("revoke_faceauthentication")
    has_anonymize_permission = base.permission("anonymize_faceauthentication")
    has_export_permission = base.permission("export_faceauthentication")

    # -- columns

    @admin.display(description=gettext_lazy("face authentication"))
    def named(self, row: FaceAuthentication) -> str:
        return row.provider_id or _("not yet created")

    @admin.display(description=gettext_lazy("action"))
    def action(self, row: FaceAuthentication) -> str:
        challenge = getattr(row, "challenge", None)
        return display.NOTHING if challenge is None else challenge.action or _("any page")

    @admin.display(description=gettext_lazy("status"))
    def state(self, row: FaceAuthentication) -> str:
        return display.status(row.status)

    @admin.display(description=gettext_lazy("risk labels"))
    def labels(self, row: Any) -> str:
        return display.labels(row, with_fraud=row.with_fraud)

    @admin.display(description=gettext_lazy("last update by"))
    def source(self, row: Any) -> str:
        return str(dict(StatusChange.Source.choices).get(row.source_, display.NOTHING))

    @admin.display(description=gettext_lazy("age"))
    def age(self, row: FaceAuthentication) -> str:
        return display.age(row.created_at, timezone.now())

    @admin.display(description=gettext_lazy("anchor"))
    def anchor(self, row: FaceAuthentication) -> str:
        challenge = getattr(row, "challenge", None)
        return display.age(challenge.verified_at, timezone.now()) if challenge else display.NOTHING

    @admin.display(description=gettext_lazy("used for"))
    def outcome(self, row: FaceAuthentication) -> str:
        """Show the state of the challenge, with a link to it."""
        challenge = getattr(row, "challenge", None)
        if challenge is None:
            return display.NOTHING
        link = reverse(f"{self.admin_site.name}:faceauth_facechallenge_change", args=[challenge.pk])
        state = display.badge(challenge.state, challenge.get_state_display())
        return format_html('{} <a href="{}">{}</a>', state, link, challenge)

    @admin.display(description=gettext_lazy("browser that asked"))
    def browser(self, row: FaceAuthentication) -> str:
        return getattr(getattr(row, "challenge", None), "browser", "") or display.NOTHING

    @admin.display(description=gettext_lazy("network of the face"))
    def networks(self, row: FaceAuthentication) -> str:
        return display.networks(getattr(row, "challenge", None))

    @admin.display(description=gettext_lazy("review"))
    def waits(self, row: FaceAuthentication) -> str:
        case = getattr(row, "review_case", None)
        if case is None:
            return display.NOTHING
        return _("settled") if case.settled_at else _("waiting in the queue")

    @admin.display(description=gettext_lazy("dashboard"))
    def provider_link(self, row: FaceAuthentication) -> str:
        return display.provider_link(row)
