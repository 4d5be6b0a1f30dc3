"""Face authentications as the provider reports them, and their captured faces."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Final, cast

from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from django_faceauth.admin import base, display, exports, filters, review, staff_actions
from django_faceauth.exceptions import NotFound, ProviderError
from django_faceauth.gate import face_required
from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.security_headers import sealed
from django_faceauth.services.grants.formatting import moment, visible
from django_faceauth.services.review import face_image, timeline

logger = logging.getLogger(__name__)


class FaceAttemptInline(base.FraudAwareMixin, base.ReadOnlyTabularInline):
    model = FaceAttempt
    fields = ("provider_id", "status", "meaning", "created_at", "captured")
    ordering = ("-created_at", "-pk")

    @admin.display(description=gettext_lazy("face captured"))
    def captured(self, attempt: FaceAttempt) -> str:
        """Show the moments between which the face was captured."""
        if attempt.capture_not_after is None:
            return display.NOTHING
        return f"{attempt.capture_not_before:%H:%M:%S} / {attempt.capture_not_after:%H:%M:%S}"


PROVIDER_FIELDS: Final = (
    *("provider_id", "applicant_id", "user_journey_id", "environment"),
    *("created_on", "modified_on", "provider_link"),
)
SITE_FIELDS: Final = ("created_at", "synced_at", "poll_count", "next_poll_at", "erased_at", "waits")


class FaceAuthenticationAdmin(base.FraudAwareMixin, base.ReadOnlyModelAdmin):
    """The list, the record, and the pages for reviewing."""

    list_display = ("named", "user", "action", "meaning", "age", "state", "waits")
    list_filter = (
        *(filters.StatusFilter, filters.ActionFilter, filters.JourneyFilter, filters.CodeFilter),
        *(filters.AgeFilter, filters.StuckFilter, filters.ReviewFilter),
        filters.FigureFilter,
    )
    list_select_related = ("user", "challenge", "review_case")
    search_paths = {
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
        (gettext_lazy("At the provider"), {"fields": PROVIDER_FIELDS}),
        (gettext_lazy("On this site"), {"fields": SITE_FIELDS}),
    )

    # -- pages

    def get_urls(self) -> list[URLPattern]:
        guard, name = self.admin_site.admin_view, "faceauth_faceauthentication"
        return [
            path("<int:pk>/review/", guard(self.review_view), name=f"{name}_review"),
            path("<int:pk>/face/", guard(self.face_view), name=f"{name}_face"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the timeline, and links to the review and the face."""
        context |= {
            "title": _("Face authentication"),
            "timeline": timeline.lines(context["original"]),
            "may_review": base.may(request, "review_faceauthentication"),
            "face_url": base.face_url(request, context["original"], self.admin_site),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def review_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        may_review = base.may(request, "review_faceauthentication")
        if not may_review or not self.has_view_permission(request):
            raise PermissionDenied
        return review.take_verdict(request, pk, model_admin=self)

    def face_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        # Staff without the permission learn neither of the gate nor which faces there are.
        if not base.may(request, "view_face"):
            raise PermissionDenied
        return face(request, pk, model_admin=self)

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
    labels = display.column(
        gettext_lazy("risk labels"), lambda row: display.labels(row, with_fraud=row.with_fraud)
    )
    provider_link = display.column(gettext_lazy("dashboard"), display.provider_link)

    @admin.display(description=gettext_lazy("used for"))
    def outcome(self, row: FaceAuthentication) -> str:
        """Show the state of the challenge, with a link to it."""
        challenge = getattr(row, "challenge", None)
        if challenge is None:
            return display.NOTHING
        state = display.badge(challenge.state, challenge.get_state_display())
        return format_html("{} {}", state, display.link(challenge, challenge, self.admin_site))

    @admin.display(description=gettext_lazy("review"))
    def waits(self, row: FaceAuthentication) -> str:
        case = getattr(row, "review_case", None)
        if case is None:
            return display.NOTHING
        return _("settled") if case.settled_at else _("waiting in the queue")


@require_GET
@face_required(action="view-face", max_age=300)
def face(request: HttpRequest, pk: int, *, model_admin: admin.ModelAdmin[Any]) -> HttpResponse:
    """Show the newest captured face to a reviewer who has just confirmed their own."""
    row = get_object_or_404(FaceAuthentication.objects.select_related("user"), pk=pk)
    by = cast(AbstractBaseUser, request.user)  # staff, says the admin
    site, status, image = model_admin.admin_site, 200, None
    try:
        image, attempt = face_image.portrait_of(row, by=by, now=timezone.now())
    except NotFound:
        status = 404
        text = _("There is no image of the face: none was captured, or it was erased.")
    except ProviderError:
        logger.warning("face not shown authentication=%s", row.pk)
        status = 503
        text = _("The image could not be fetched just now. Please try again.")
    else:
        at = moment(attempt.capture_not_after or attempt.created_at)
        whose = {"user": visible(row.user.get_username()), "moment": at}
        text = _("Face of %(user)s, captured by %(moment)s") % whose
    context = {
        **site.each_context(request),
        "title": _("Captured face"),
        "media": model_admin.media,
        "original": row,
        "case_url": base.case_url(request, pk, site),
        "image": image,  # in the page itself: it has no URL that a cache could keep
        "text": text,
    }
    request.current_app = site.name
    return sealed(render(request, "admin/faceauth/face.html", context, status=status))
