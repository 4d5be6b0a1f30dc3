"""What staff narrow lists down by, made for lists of millions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib.admin import SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_faceauth.admin.base import sees_fraud
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.monitoring import stuck
from django_faceauth.statuses import LABELS

#: Lists of actions and journeys are no longer than this.
MOST_VALUES: Final = 30

Choices = Iterable[tuple[str, Any]]


def values_of(model: type[Model], field: str) -> Iterator[str]:
    """Yield the values of an indexed column, by one look into the index for each."""
    rows = model._default_manager.order_by(field).values_list(field, flat=True)
    value = rows.first()
    for _number in range(MOST_VALUES):
        if value is None:
            return
        yield value
        value = rows.filter(**{f"{field}__gt": value}).first()


class StatusFilter(SimpleListFilter):
    """The provider's status."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the statuses that the provider's documentation names."""
        return list(LABELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        return queryset.filter(status=self.value()) if self.value() else queryset


class ActionFilter(SimpleListFilter):
    """The action of the gate that asked."""

    title = _("action")
    parameter_name = "action"
    #: Not "field": to themes of the admin, that is a field of the model.
    action_path: ClassVar[str] = "challenge__action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the actions that gates have asked for."""
        return [(f"={name}", name or _("any page")) for name in values_of(FaceChallenge, "action")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        value = self.value()
        return queryset.filter(**{self.action_path: value.removeprefix("=")}) if value else queryset


class OwnActionFilter(ActionFilter):
    """The same, for a list of the questions themselves."""

    action_path = "action"


class JourneyFilter(SimpleListFilter):
    """The user journey."""

    title = _("user journey")
    parameter_name = "journey"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the journeys that were used."""
        return [(name, name) for name in values_of(FaceAuthentication, "user_journey_id")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        return queryset.filter(user_journey_id=self.value()) if self.value() else queryset


class CodeFilter(SimpleListFilter):
    """Groups of response codes."""

    title = _("response code")
    parameter_name = "codes"
    GROUPS: ClassVar[dict[str, tuple[Promise, int, int]]] = {
        "person": (_("not ready, or left"), 61100, 61200),
        "device": (_("connection or device"), 61200, 61300),
        "capture": (_("light, blur, face hidden"), 61400, 61500),
        "fraud": (_("fraud"), 62300, 62400),
        "behaviour": (_("suspicious behaviour"), 62400, 62500),
        "refused": (_("refused"), 63000, 64000),
        "closed": (_("closed by the provider"), 64000, 65000),
    }
    SENSITIVE: ClassVar[frozenset[str]] = frozenset({"fraud", "behaviour"})

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the groups; those of fraud for those who may see it (V-12)."""
        hidden = frozenset() if sees_fraud(request) else self.SENSITIVE
        return [(name, group[0]) for name, group in self.GROUPS.items() if name not in hidden]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those; who may not see a group, sees nothing in it."""
        name = self.value()
        if not name:
            return queryset
        if name not in self.GROUPS or (name in self.SENSITIVE and not sees_fraud(request)):
            return queryset.none()
        _title, first, end = self.GROUPS[name]
        return queryset.filter(code__gte=first, code__lt=end)


class StuckFilter(SimpleListFilter):
    """What should have gone on by now."""

    title = _("stuck")
    parameter_name = "stuck"
    KINDS: ClassVar[dict[str, tuple[Promise, Callable[..., QuerySet[Any]]]]] = {
        "polls": (_("the provider was not asked in time"), stuck.polls),
        "compared": (_("compared for too long"), stuck.compared),
        "unknown": (_("in an unknown status"), stuck.unknown),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the ways to be stuck."""
        return [(name, kind[0]) for name, kind in self.KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        _title, among = self.KINDS.get(self.value() or "", ("", None))
        return queryset if among is None else among(queryset, now=timezone.now())


class StuckEventFilter(StuckFilter):
    """The same, for webhook events."""

    KINDS: ClassVar[dict[str, tuple[Promise, Callable[..., QuerySet[Any]]]]] = {
        "events": (_("not acted upon in time"), stuck.events),
    }


class ReviewFilter(SimpleListFilter):
    """Where it stands with reviewers."""

    title = _("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the choices."""
        return [("waiting", _("waits in the queue")), ("settled", _("settled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        if not self.value():
            return queryset
        waits = self.value() == "waiting"
        return queryset.filter(review_case__isnull=False, review_case__settled_at__isnull=waits)


class AgeFilter(SimpleListFilter):
    """How old rows are."""

    title = _("date")
    parameter_name = "age"
    PERIODS: ClassVar[dict[str, tuple[Promise, int]]] = {
        "1": (_("last 24 hours"), 1),
        "7": (_("last 7 days"), 7),
        "30": (_("last 30 days"), 30),
        "90": (_("last 90 days"), 90),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the periods."""
        return [(name, period[0]) for name, period in self.PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what is no older."""
        _title, days = self.PERIODS.get(self.value() or "", (None, 0))
        since = timezone.now() - timedelta(days=days)
        return queryset.filter(created_at__gte=since) if days else queryset
