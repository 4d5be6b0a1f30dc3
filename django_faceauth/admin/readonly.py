"""Read-only lists of challenges, webhook events, consents, erasures and internals."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_faceauth.admin import display, filters, staff_actions
from django_faceauth.admin.base import ReadOnlyModelAdmin, ReadOnlyTabularInline, permission
from django_faceauth.models import Erasure, ErasureTask, FaceChallenge
from django_faceauth.services.grants.formatting import lines


class FaceChallengeAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "user", "asked_for", "why", "created_at", "standing", "method")
    list_filter = ("state", filters.MethodFilter, filters.ChallengeActionFilter, filters.AgeFilter)
    list_select_related = ("user", "authentication")
    search_paths = {"fav_": "authentication__provider_id", "": "user"}
    fields = (
        *("user", "asked_for", "standing", "why", "method", "shown", "authentication"),
        *("browser", "network_policy", "networks"),
        *("created_at", "started_at", "returned_at", "verified_at", "granted_at"),
        *("session_rotated_at", "consumed_at", "revoked_at", "reported_at"),
    )

    asked_for = display.column(gettext_lazy("action"), display.action)
    why = display.column(
        gettext_lazy("reason"), lambda row: display.REASONS.get(row.reason, row.reason)
    )
    networks = display.column(gettext_lazy("network of the face"), display.networks)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, challenge: FaceChallenge) -> str:
        state = display.badge(challenge.state, challenge.get_state_display())
        return state + display.anonymized(challenge.authentication)

    @admin.display(description=gettext_lazy("shown to the user"))
    def shown(self, challenge: FaceChallenge) -> str:
        facts = lines(challenge.snapshot, challenge.snapshot_order)
        shown = ((line.label, ", ".join(line.values)) for line in facts)
        return format_html_join("", "<div>{}: {}</div>", shown) or display.NOTHING


class WebhookEventAdmin(ReadOnlyModelAdmin):
    list_display = ("number", "what", "about", "error", "received_at", "standing", "tries")
    list_filter = ("state", filters.StuckEventFilter, filters.FigureFilter)
    search_paths = {
        **{"evt_": "event_id", "sha256:": "event_id"},
        **{"fav_": "provider_id", "idv_": "provider_id"},
    }
    search_help_text = gettext_lazy("A whole id that begins with evt_, fav_ or idv_")
    actions = (staff_actions.reprocess,)
    number = display.column(gettext_lazy("event id"), lambda row: display.short(row.event_id))
    what = display.column(gettext_lazy("type"), lambda row: row.type.replace("_", " "))
    about = display.column(
        pgettext_lazy("column", "about"),
        lambda row: row.provider_id and display.short(row.provider_id),
    )
    standing = display.badge_column("state", gettext_lazy("state"))

    has_reprocess_permission = permission("reprocess_webhookevent")


class ConsentAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "user", "version", "language", "given_at", "withdrawn_at")
    list_select_related = ("user",)
    list_filter = (filters.VersionFilter,)


class ErasureTaskInline(ReadOnlyTabularInline):
    model = ErasureTask
    fields = ("digest", "environment", "standing", "tries", "error", "due_at", "done_at")
    standing = display.badge_column("state", gettext_lazy("state"))


class ErasureAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "who", "reason", "requested_at", "standing", "finished_at")
    list_filter = ("reason",)
    inlines = (ErasureTaskInline,)
    search_paths = {"": "who"}  # a primary key, which outlives the user

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("tasks")

    @admin.display(description=gettext_lazy("state"))
    def standing(self, erasure: Erasure) -> str:
        if any(task.state == ErasureTask.State.REFUSED for task in erasure.tasks.all()):
            return display.badge("failed", _("rejected"))
        state = ErasureTask.State.DONE if erasure.finished_at else ErasureTask.State.DUE
        return display.badge(state, state.label)


class AttemptRequestAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "user", "asked_for", "at", "is_successful")
    list_select_related = ("user", "challenge")
    fields = ("user", "challenge", "verification", "by_sms", "at", "is_successful")

    asked_for = display.column(
        gettext_lazy("action"),
        lambda row: _("enrolment") if row.verification_id else display.action(row.challenge),
    )


class ProviderRateLimitAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "pause", "paused_until")
    fields = ("pause", "paused_until")
    search_paths = {}
