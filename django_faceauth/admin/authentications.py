"""Face authentications as the provider reports them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
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
from django_faceauth.models import FaceAttempt, FaceAuthentication
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
    """The list, the record, and the pages for reviewing."""

    list_display = ("named", "user", "action", "meaning", "age", "state", "waits")
    list_filter = (
        *(filters.StatusFilter, filters.ActionFilter, filters.JourneyFilter, filters.CodeFilter),
        *(filters.AgeFilter, filters.StuckFilter, filters.ReviewFilter),
        filters.FigureFilter,
    )
    list_select_related = ("user", "challenge", "review_case")
    search_paths: ClassVar[Any] = {
        **{"fav_": "provider_id", "fatp_": "attempts__provider_id", "aplt_": "applicant_id"},
        "": "user",
    }
    actions = (
        *(staff_actions.sync_now, staff_actions.revoke_grants, staff_actions.anonymize),
        *(exports.export_csv, exports.export_json),
    )
    inlines = (FaceAttemptInline,)
    change_form_template = "admin/faceauth/authentication.html"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state", "meaning", "labels", "user", "action", "outcome")}),
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
                    *("created_at", "synced_at", "poll_count", "next_poll_at"),
                    *("erased_at", "waits"),
                )
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for _title, options in self.fieldsets for name in options["fields"]]

    # -- pages

    def get_urls(self) -> list[URLPattern]:
        guard, name = self.admin_site.admin_view, "faceauth_faceauthentication"
        return [
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
            extra |= {"timeline": timeline.lines(row), "title": _("Face authentication")}
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
        return faces.face(request, pk, model_admin=self)

    # -- permissions of actions

    has_sync_permission = base.permission("sync_faceauthentication")
    has_revoke_permission = base.permission("revoke_faceauthentication")
    has_anonymize_permission = base.permission("anonymize_faceauthentication")
    has_export_permission = base.permission("export_faceauthentication")

    # -- columns

    named = display.column(gettext_lazy("face authentication"), display.named)
    action = display.column(
        gettext_lazy("action"), lambda row: display.action(getattr(row, "challenge", None))
    )
    state = display.column(gettext_lazy("status"), lambda row: display.status(row.status))
    age = display.column(
        gettext_lazy("age"), lambda row: display.age(row.created_at, timezone.now())
    )

    @admin.display(description=gettext_lazy("risk labels"))
    def labels(self, row: Any) -> str:
        return display.labels(row, with_fraud=row.with_fraud)

    @admin.display(description=gettext_lazy("used for"))
    def outcome(self, row: FaceAuthentication) -> str:
        """Show the state of the challenge, with a link to it."""
        challenge = getattr(row, "challenge", None)
        if challenge is None:
            return display.NOTHING
        link = reverse(f"{self.admin_site.name}:faceauth_facechallenge_change", args=[challenge.pk])
        state = display.badge(challenge.state, challenge.get_state_display())
        return format_html('{} <a href="{}">{}</a>', state, link, challenge)

    @admin.display(description=gettext_lazy("review"))
    def waits(self, row: FaceAuthentication) -> str:
        case = getattr(row, "review_case", None)
        if case is None:
            return display.NOTHING
        return _("settled") if case.settled_at else _("waiting in the queue")

    @admin.display(description=gettext_lazy("dashboard"))
    def provider_link(self, row: FaceAuthentication) -> str:
        return display.provider_link(row)


class DashboardAdmin(base.ReadOnlyModelAdmin):
    """The dashboard, in the place of a list."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return base.may(request, "view_faceauthentication")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changelist_view)
        names = ("faceauth_dashboard_changelist", "faceauth_dashboard")
        return [path("", view, name=name) for name in names]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return dashboard.dashboard(request, self.admin_site)
