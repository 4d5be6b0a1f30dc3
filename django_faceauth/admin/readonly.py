"""Read-only lists: challenges, webhook events, consents, erasures, audit log."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model, Q, TextField, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from django_faceauth.admin import base, display, filters, staff_actions
from django_faceauth.admin.base import ReadOnlyModelAdmin, ReadOnlyTabularInline, permission
from django_faceauth.models import AuditEntry, Erasure, ErasureTask, FaceChallenge, Verdict
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
    list_filter = ("state", filters.StuckEventFilter, filters.FigureFilter)
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
    list_display = ("when", "what", "author", "whom", "about", "facts")
    list_filter = ("event", "at")
    list_select_related = ("by", "user")
    search_fields = ("subject",)
    search_help_text = gettext_lazy("A user name, or a row such as faceauth.lockout:12")
    search_paths: ClassVar[Any] = {}
    fields = list_display
    readonly_fields = fields

    #: Names of details, for translators.
    NAMES = (
        *(gettext_noop("audit"), gettext_noop("authentications"), gettext_noop("categories")),
        *(gettext_noop("challenges"), gettext_noop("columns"), gettext_noop("consents")),
        *(gettext_noop("erasures"), gettext_noop("events"), gettext_noop("exemptions")),
        *(gettext_noop("filters"), gettext_noop("format"), gettext_noop("fraud codes")),
        *(gettext_noop("grants"), gettext_noop("identity verifications"), gettext_noop("lockouts")),
        *(gettext_noop("newest"), gettext_noop("oldest"), gettext_noop("queued")),
        *(gettext_noop("rows"), gettext_noop("tombstones"), gettext_noop("used")),
        gettext_noop("users"),
    )
    VALUES: ClassVar[dict[str, dict[Any, Any]]] = {
        "action": {"": gettext_lazy("any page"), "*": gettext_lazy("every page")},
        "filters": {"": gettext_lazy("none")},
        "finding": dict(Verdict.Finding.choices),
        "fraud_codes": {True: gettext_lazy("yes"), False: gettext_lazy("no")},
    }

    def get_queryset(self, request: HttpRequest) -> Any:
        """Add which models the viewer may view: rows of others have no link."""
        registered = self.admin_site._registry.items()
        seen = [model for model, admin in registered if admin.has_view_permission(request)]
        labels = " ".join(model._meta.label_lower for model in seen)
        return super().get_queryset(request).annotate(linked=Value(labels, TextField()))

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Find entries by or about users, by the beginning of the name, or about a row."""
        if not search_term:
            return queryset, False
        users = base.users_named(search_term)
        found = Q(subject=search_term) | Q(by__in=users) | Q(user__in=users)
        return queryset.filter(found), False

    @admin.display(description=gettext_lazy("date"))
    def when(self, entry: AuditEntry) -> str:
        return _moment(entry.at)

    @admin.display(description=gettext_lazy("event"))
    def what(self, entry: AuditEntry) -> str:
        return entry.get_event_display()  # the code of an unknown one

    @admin.display(description=pgettext_lazy("column", "by"))
    def author(self, entry: AuditEntry) -> str:
        return self._user(entry, entry.by, entry.author)

    @admin.display(description=gettext_lazy("user"))
    def whom(self, entry: AuditEntry) -> str:
        return self._user(entry, entry.user, entry.whom or display.NOTHING)

    @admin.display(description=pgettext_lazy("column", "about"))
    def about(self, entry: AuditEntry) -> str:
        label, _colon, pk = entry.subject.partition(":")
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError):  # an app that was removed, or no subject
            return entry.subject or display.NOTHING
        return self._link(entry, model, pk, f"{capfirst(model._meta.verbose_name)} {pk}")

    @admin.display(description=gettext_lazy("details"))
    def facts(self, entry: AuditEntry) -> str:
        items = entry.details.items()
        facts = ((_(name.replace("_", " ")), self._value(name, value)) for name, value in items)
        return format_html_join("", "<div>{}: <bdi>{}</bdi></div>", facts) or display.NOTHING

    def _value(self, name: str, value: Any) -> Any:
        """Return a detail in words."""
        if name in {"oldest", "newest"}:
            with suppress(TypeError, ValueError):
                return _moment(datetime.fromisoformat(value))
        return self.VALUES.get(name, {}).get(value, value)

    def _user(self, entry: AuditEntry, user: Any, name: str) -> str:
        return self._link(entry, type(user), user.pk, name) if user else name

    def _link(self, entry: Any, model: type[Model], pk: Any, text: str) -> str:
        """Return a link to the page of a row, if the viewer may view it."""
        if model._meta.label_lower not in entry.linked.split():
            return text
        name = f"{self.admin_site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
        return format_html('<a href="{}">{}</a>', reverse(name, args=[quote(pk)]), text)


def _moment(at: datetime) -> str:
    """Return a date with its seconds, from left to right in every language."""
    text = f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
    return format_html('<time dir="ltr">{}</time>', text)


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
