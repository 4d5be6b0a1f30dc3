"""Read-only lists: challenges, webhook events, consents, erasures, audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_faceauth.admin import display, filters, staff_actions
from django_faceauth.admin.base import ReadOnlyModelAdmin, ReadOnlyTabularInline, permission
from django_faceauth.models import AuditEntry, Erasure, ErasureTask, FaceChallenge
from django_faceauth.services.grants.formatting import lines


class FaceChallengeAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "user", "asked_for", "why", "created_at", "standing", "method")
    list_filter = (
        *("state", filters.MethodFilter, filters.ChallengeActionFilter, filters.AgeFilter),
    )
    list_select_related = ("user", "authentication")
    search_paths: ClassVar[Any] = {"fav_": "authentication__provider_id", "": "user"}
    fields = (
        *("user", "asked_for", "standing", "why", "method", "shown", "authentication"),
        *("browser", "network_policy", "networks"),
        *("created_at", "started_at", "returned_at", "verified_at", "granted_at"),
        *("session_rotated_at", "consumed_at", "revoked_at", "reported_at"),
    )
    readonly_fields = fields

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
    list_filter = ("state", filters.StuckEventFilter)
    search_paths: ClassVar[Any] = {
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
    search_paths: ClassVar[Any] = {"": "who"}  # a primary key, which outlives the user

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("tasks")

    @admin.display(description=gettext_lazy("state"))
    def standing(self, erasure: Erasure) -> str:
        if any(task.state == ErasureTask.State.REFUSED for task in erasure.tasks.all()):
            return display.badge("failed", _("rejected"))
        state = ErasureTask.State.DONE if erasure.finished_at else ErasureTask.State.DUE
        return display.badge(state, state.label)


class AuditEntryAdmin(ReadOnlyModelAdmin):
    list_display = ("at", "event", "author", "about", "facts")
    list_filter = ("event",)
    list_select_related = ("by",)
    search_help_text = gettext_lazy("A user name, or a row such as faceauth.lockout:12")
    search_paths: ClassVar[Any] = {}
    fields = list_display
    readonly_fields = fields

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("=subject", f"=by__{get_user_model().USERNAME_FIELD}")

    @admin.display(description=pgettext_lazy("column", "by"))
    def author(self, entry: AuditEntry) -> str:
        return self._link(get_user_model(), entry.by_id, entry.author) if entry.by else entry.author

    @admin.display(description=pgettext_lazy("column", "about"))
    def about(self, entry: AuditEntry) -> str:
        label, _colon, pk = entry.subject.partition(":")
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError):  # an app that was removed, or no subject
            return entry.subject or display.NOTHING
        return self._link(model, pk, f"{capfirst(model._meta.verbose_name)} {pk}")

    @admin.display(description=gettext_lazy("details"))
    def facts(self, entry: AuditEntry) -> str:
        facts = (f"{name.replace('_', ' ')}: {value}" for name, value in entry.details.items())
        return ", ".join(facts) or display.NOTHING

    def _link(self, model: type[Model], pk: Any, text: str) -> str:
        """Return a link to the page of a row, if this admin has one."""
        if not self.admin_site.is_registered(model):
            return text
        name = f"{self.admin_site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
        return format_html('<a href="{}">{}</a>', reverse(name, args=[quote(pk)]), text)


class VerdictAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "user", "checked", "why", "at", "found", "reviewer")
    list_select_related = ("authentication__user", "reviewer")
    list_filter = ("finding",)
    search_paths: ClassVar[Any] = {
        **{"fav_": "authentication__provider_id", "": "authentication__user"}
    }
    user = display.column(gettext_lazy("user"), lambda row: row.authentication.user)
    checked = display.column(
        gettext_lazy("face authentication"), lambda row: display.named(row.authentication)
    )
    why = display.column(gettext_lazy("note"), lambda row: display.short(row.note, 80))
    found = display.badge_column("finding", gettext_lazy("finding"))


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
    search_paths: ClassVar[Any] = {}
