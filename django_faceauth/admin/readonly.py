"""What else there is to read: questions, deliveries, consents, erasures, the log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import TabularInline
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_faceauth.admin import actions, display
from django_faceauth.admin.base import Desk, may
from django_faceauth.admin.filters import AgeFilter, OwnActionFilter, StuckEventFilter
from django_faceauth.models import AuditEntry, Erasure, ErasureTask, FaceChallenge, WebhookEvent
from django_faceauth.services.grants.formatting import lines


class ChallengeDesk(Desk):
    """What the gates asked, and what an approval was used for."""

    list_display = ("__str__", "user", "asked_for", "standing", "reason", "method", "created_at")
    list_filter = ("state", OwnActionFilter, AgeFilter)
    list_select_related = ("user", "authentication")
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("=authentication__provider_id",)
    actions = None
    fields = (
        *("user", "asked_for", "standing", "reason", "method", "shown", "authentication"),
        *(
            "created_at",
            "started_at",
            "returned_at",
            "verified_at",
            "granted_at",
            "session_rotated_at",
        ),
        *("consumed_at", "revoked_at", "reported_at"),
    )
    readonly_fields = fields

    @admin.display(description=gettext_lazy("action"))
    def asked_for(self, challenge: FaceChallenge) -> str:
        """Show the action."""
        return challenge.action or _("any page")

    @admin.display(description=gettext_lazy("state"))
    def standing(self, challenge: FaceChallenge) -> str:
        """Show where it stands."""
        return display.badge(challenge.state, challenge.get_state_display())

    @admin.display(description=gettext_lazy("what the user was shown"))
    def shown(self, challenge: FaceChallenge) -> str:
        """Show what was approved, as the user saw it."""
        facts = lines(challenge.snapshot, challenge.snapshot_order)
        told = ((line.label, ", ".join(line.values)) for line in facts)
        return format_html_join("", "<div>{}: {}</div>", told) or display.NOTHING


class EventDesk(Desk):
    """What the provider told us, as far as we keep it."""

    list_display = ("event_id", "type", "provider_id", "standing", "received_at", "tries", "error")
    list_filter = ("state", StuckEventFilter)
    search_fields = ("=event_id", "=provider_id")
    ordering = ("-pk",)
    sortable_by = ()
    actions = (actions.reprocess,)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, event: WebhookEvent) -> str:
        """Show how far we are with it."""
        return display.badge(event.state, event.get_state_display())

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        """Tell who may have an event acted upon once more."""
        return may(request, "reprocess_webhookevent")


class ConsentDesk(Desk):
    """Who agreed to which words, and when that ended."""

    list_display = ("user", "version", "language", "given_at", "withdrawn_at")
    list_select_related = ("user",)
    list_filter = ("version",)
    ordering = ("-pk",)
    actions = None


class TaskInline(TabularInline):  # type: ignore[type-arg]  # takes no parameters at run time
    """What the provider is asked to forget."""

    model = ErasureTask
    fields = ("digest", "environment", "standing", "tries", "error", "due_at", "done_at")
    readonly_fields: ClassVar[Any] = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leave that to erasure."""
        return False

    @admin.display(description=gettext_lazy("state"))
    def standing(self, task: ErasureTask) -> str:
        """Show how far it is."""
        return display.badge(task.state, task.get_state_display())


class ErasureDesk(Desk):
    """What was to be forgotten, and the proof that it was."""

    list_display = ("__str__", "who", "reason", "requested_at", "finished_at", "refused")
    list_filter = ("reason",)
    ordering = ("-pk",)
    inlines = (TaskInline,)
    actions = None

    def get_queryset(self, request: HttpRequest) -> Any:
        """Read the tasks of a page at once."""
        return super().get_queryset(request).prefetch_related("tasks")

    @admin.display(description=gettext_lazy("needs somebody"), boolean=True)
    def refused(self, erasure: Erasure) -> bool:
        """Tell whether the provider has refused one of them."""
        return any(task.state == ErasureTask.State.REFUSED for task in erasure.tasks.all())


class AuditDesk(Desk):
    """What staff and commands did."""

    list_display = ("at", "event", "author", "about", "facts")
    list_filter = ("event",)
    search_help_text = gettext_lazy("A user name, or a row such as faceauth.lockout:12")
    actions = None
    sortable_by = ()
    fields = list_display
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        """Read the users in the same statement."""
        return super().get_queryset(request).select_related("by")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search by the row, or by the name that staff log in with."""
        return ("=subject", f"=by__{get_user_model().USERNAME_FIELD}")

    @admin.display(description=pgettext_lazy("column", "by"))
    def author(self, entry: AuditEntry) -> str:
        """Show who did it, with a link to their account."""
        return self._link(get_user_model(), entry.by_id, entry.author) if entry.by else entry.author

    @admin.display(description=pgettext_lazy("column", "about"))
    def about(self, entry: AuditEntry) -> str:
        """Show what it was done to, with a link to the row."""
        label, _colon, pk = entry.subject.partition(":")
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError):  # an app that the site has no more, or nothing
            return entry.subject or display.NOTHING
        return self._link(model, pk, f"{capfirst(model._meta.verbose_name)} {pk}")

    @admin.display(description=gettext_lazy("details"))
    def facts(self, entry: AuditEntry) -> str:
        """Show the details as words."""
        facts = (f"{name.replace('_', ' ')}: {value}" for name, value in entry.details.items())
        return ", ".join(facts) or display.NOTHING

    def _link(self, model: type[Model], pk: Any, text: str) -> str:
        """Return a link to the page of a row, if this admin has one."""
        if not self.admin_site.is_registered(model):
            return text
        opts = model._meta
        name = f"admin:{opts.app_label}_{opts.model_name}_change"
        url = reverse(name, args=[quote(pk)], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', url, text)


class VerdictDesk(Desk):
    """What reviewers found."""

    list_display = ("authentication", "found", "reviewer", "at")
    list_select_related = ("authentication", "reviewer")
    list_filter = ("finding",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = None

    @admin.display(description=gettext_lazy("finding"))
    def found(self, verdict: Any) -> str:
        """Show the finding."""
        return display.badge(verdict.finding, verdict.get_finding_display())


class RequestDesk(Desk):
    """Attempts that were counted against the limits."""

    list_display = ("user", "at", "is_successful")
    list_select_related = ("user",)
    fields = ("user", "at", "is_successful")
    ordering = ("-pk",)
    actions = None


class BudgetDesk(Desk):
    """How often the provider may still be asked, and why it is not asked just now."""

    list_display = ("__str__", "pause", "paused_until")
    fields = ("pause", "paused_until")
    actions = None
