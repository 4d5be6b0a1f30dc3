"""The provider's truth, for staff to read."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin import TabularInline
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_faceauth.admin import actions, dashboard, display, exports, faces, review
from django_faceauth.admin.base import FraudAware, face_url, marked, may
from django_faceauth.admin.filters import (
    ActionFilter,
    AgeFilter,
    CodeFilter,
    JourneyFilter,
    ReviewFilter,
    StatusFilter,
    StuckFilter,
)
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import FaceAttempt, FaceAuthentication, StatusChange
from django_faceauth.services.review import timeline

#: As many users as one search looks for.
MOST_USERS: Final = 100


class AttemptInline(TabularInline):  # type: ignore[type-arg]  # takes no parameters at run time
    """The attempts of an authentication."""

    model = FaceAttempt
    fields = ("provider_id", "state", "meaning", "created_at", "captured")
    readonly_fields = fields
    extra = 0
    can_delete = False
    ordering = ("-created_at", "-pk")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Attempts are made by people."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody says what the provider said."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Note whether who looks may see fraud codes."""
        return marked(super().get_queryset(request), request)

    @admin.display(description=gettext_lazy("status"))
    def state(self, attempt: FaceAttempt) -> str:
        """Show the status."""
        return attempt.status or display.NOTHING

    @admin.display(description=gettext_lazy("response codes"))
    def meaning(self, attempt: Any) -> str:
        """Show the codes and what they mean."""
        return display.codes(attempt, with_fraud=attempt.with_fraud)

    @admin.display(description=gettext_lazy("face shown"))
    def captured(self, attempt: FaceAttempt) -> str:
        """Show between which moments the face was shown."""
        if attempt.capture_not_after is None:
            return display.NOTHING
        return f"{attempt.capture_not_before:%H:%M:%S} / {attempt.capture_not_after:%H:%M:%S}"


class AuthenticationDesk(FraudAware):
    """The mirror of the provider's face authentications."""

    list_display = ("named", "user", "state", "age", "action", "waits", "source", "meaning")
    list_display_links = ("named",)
    list_filter = (
        *(StatusFilter, ActionFilter, JourneyFilter, CodeFilter),
        *(AgeFilter, StuckFilter, ReviewFilter),
    )
    list_select_related = ("user", "challenge", "review_case")
    search_fields = ("provider_id",)
    search_help_text = gettext_lazy("A user name, or an id that begins with fav_, fatp_ or aplt_")
    ordering = ("-pk",)
    sortable_by = ()
    actions = (
        *(actions.sync_now, actions.revoke_grants, actions.anonymize),
        *(exports.export_csv, exports.export_json),
    )
    inlines = (AttemptInline,)
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
            gettext_lazy("Here"),
            {
                "fields": (
                    *("created_at", "synced_at", "source", "poll_count", "next_poll_at"),
                    *("erased_at", "waits"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add where the last news came from, in the same statement."""
        newest = StatusChange.objects.filter(authentication_id=OuterRef("pk")).order_by("-pk")
        rows: QuerySet[Any] = super().get_queryset(request)
        told: QuerySet[Any] = rows.annotate(source_=Subquery(newest.values("source")[:1]))
        return told

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an id by its index, or else a user by the beginning of the name."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(**_wanted(term)), False

    def get_urls(self) -> list[URLPattern]:
        """Add our pages."""
        pages: dict[tuple[str, str], Any] = {
            ("dashboard/", "faceauth_dashboard"): self.dashboard_view,
            ("<int:pk>/review/", "faceauth_faceauthentication_review"): self.review_view,
            ("<int:pk>/face/", "faceauth_faceauthentication_face"): self.face_view,
        }
        guard = self.admin_site.admin_view
        ours = [path(route, guard(view), name=name) for (route, name), view in pages.items()]
        return [*ours, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show everything that happened around it."""
        row = self.get_object(request, object_id)
        extra = dict(extra_context or {})
        if isinstance(row, FaceAuthentication) and self.has_view_permission(request, row):
            extra |= {"timeline": timeline.of(row), "title": _("Face authentication")}
            extra |= {"may_review": may(request, "review_faceauthentication")}
            extra |= {"face_url": face_url(request, row, self.admin_site)}
        return super().change_view(request, object_id, form_url, extra)

    def review_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Take a verdict."""
        if not (self.has_view_permission(request) and may(request, "review_faceauthentication")):
            raise PermissionDenied
        return review.take_verdict(request, pk, desk=self)

    def face_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Show the captured face, to a reviewer who has just shown theirs."""
        return faces.face(request, pk, self.admin_site)

    def dashboard_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show how it goes."""
        return dashboard.dashboard(request, self.admin_site)

    # -- rights

    def has_sync_permission(self, request: HttpRequest) -> bool:
        """Tell who may ask the provider."""
        return may(request, "sync_faceauthentication")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Tell who may take grants back."""
        return may(request, "revoke_faceauthentication")

    def has_anonymize_permission(self, request: HttpRequest) -> bool:
        """Tell who may have the provider forget."""
        return may(request, "anonymize_faceauthentication")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Tell who may take lists out."""
        return may(request, "export_faceauthentication")

    # -- columns

    @admin.display(description=gettext_lazy("face authentication"))
    def named(self, row: FaceAuthentication) -> str:
        """Show its id, or that the provider has not named it yet."""
        return row.provider_id or _("not made yet")

    @admin.display(description=gettext_lazy("action"))
    def action(self, row: FaceAuthentication) -> str:
        """Show what the gate asked for."""
        challenge = getattr(row, "challenge", None)
        return display.NOTHING if challenge is None else challenge.action or _("any page")

    @admin.display(description=gettext_lazy("status"))
    def state(self, row: FaceAuthentication) -> str:
        """Show the provider's status."""
        return display.status(row.status)

    @admin.display(description=gettext_lazy("response codes"))
    def meaning(self, row: Any) -> str:
        """Show the codes and what they mean."""
        return display.codes(row, with_fraud=row.with_fraud)

    @admin.display(description=gettext_lazy("risk labels"))
    def labels(self, row: Any) -> str:
        """Show the risk labels."""
        return display.labels(row, with_fraud=row.with_fraud)

    @admin.display(description=gettext_lazy("last news from"))
    def source(self, row: Any) -> str:
        """Show where the last news came from."""
        return str(dict(StatusChange.Source.choices).get(row.source_, display.NOTHING))

    @admin.display(description=gettext_lazy("age"))
    def age(self, row: FaceAuthentication) -> str:
        """Show how old it is."""
        return display.age(row.created_at, timezone.now())

    @admin.display(description=gettext_lazy("anchor"))
    def anchor(self, row: FaceAuthentication) -> str:
        """Show since when it counts."""
        challenge = getattr(row, "challenge", None)
        return display.age(challenge.verified_at, timezone.now()) if challenge else display.NOTHING

    @admin.display(description=gettext_lazy("what it was used for"))
    def outcome(self, row: FaceAuthentication) -> str:
        """Show where the question of the gate stands, with a link to it."""
        challenge = getattr(row, "challenge", None)
        if challenge is None:
            return display.NOTHING
        link = reverse(f"{self.admin_site.name}:faceauth_facechallenge_change", args=[challenge.pk])
        shown = display.badge(challenge.state, challenge.get_state_display())
        return format_html('{} <a href="{}">{}</a>', shown, link, challenge)

    @admin.display(description=gettext_lazy("review"))
    def waits(self, row: FaceAuthentication) -> str:
        """Show where it stands with reviewers."""
        case = getattr(row, "review_case", None)
        if case is None:
            return display.NOTHING
        return _("settled") if case.settled_at else _("waits in the queue")

    @admin.display(description=gettext_lazy("dashboard"))
    def provider_link(self, row: FaceAuthentication) -> str:
        """Link to the provider's own page."""
        return display.provider_link(row)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return all of them."""
        return [name for _title, options in self.fieldsets for name in options["fields"]]


def _wanted(term: str) -> dict[str, Any]:
    if is_id(term, Prefix.AUTHENTICATION):
        return {"provider_id": term}
    if is_id(term, Prefix.ATTEMPT):
        return {"attempts__provider_id": term}
    if is_id(term, Prefix.APPLICANT):
        return {"applicant_id": term}
    users = get_user_model()._default_manager
    named = users.filter(**{f"{get_user_model().USERNAME_FIELD}__startswith": term})
    return {"user_id__in": list(named.values_list("pk", flat=True)[:MOST_USERS])}
