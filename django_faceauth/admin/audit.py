"""The audit log, with names, links and words."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, Q, TextField, Value
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from django_faceauth.admin import base, display
from django_faceauth.models import AuditEntry, Verdict


class AuditEntryAdmin(base.ReadOnlyModelAdmin):
    list_display = ("when", "what", "author", "whom", "about", "facts")
    list_filter = ("event", "at")
    list_select_related = ("by", "user")
    search_fields = ("subject",)
    search_help_text = gettext_lazy("A user name, or a row such as faceauth.lockout:12")
    search_paths = {}
    fields = list_display
    when = display.column(gettext_lazy("date"), lambda entry: _moment(entry.at))
    # The code of an unknown event.
    what = display.column(gettext_lazy("event"), lambda entry: entry.get_event_display())

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

    @admin.display(description=pgettext_lazy("column", "by"))
    def author(self, entry: AuditEntry) -> str:
        return self._link(entry, entry.by, entry.author)

    @admin.display(description=gettext_lazy("user"))
    def whom(self, entry: AuditEntry) -> str:
        return self._link(entry, entry.user, entry.whom or display.NOTHING)

    @admin.display(description=pgettext_lazy("column", "about"))
    def about(self, entry: AuditEntry) -> str:
        label, _colon, pk = entry.subject.partition(":")
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError):  # an app that was removed, or no subject
            return entry.subject or display.NOTHING
        return self._link(entry, model(pk=pk), f"{capfirst(model._meta.verbose_name)} {pk}")

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

    def _link(self, entry: Any, row: Model | None, text: str) -> str:
        """Return a link to the page of a row, if it is there and the viewer may view it."""
        if row is None or row._meta.label_lower not in entry.linked.split():
            return text
        return display.link(row, text, self.admin_site)


def _moment(at: datetime) -> str:
    """Return a date with its seconds, from left to right in every language."""
    text = f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
    return format_html('<time dir="ltr">{}</time>', text)
