"""List filters, made for lists of millions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib.admin import SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_faceauth.admin.base import sees_fraud
from django_faceauth.conf import PASSKEY, RECOVERY_CODE, TOTP
from django_faceauth.models import FaceChallenge, ReviewCase
from django_faceauth.models.challenge import EXEMPTION, FACE
from django_faceauth.services.monitoring import health, statistics
from django_faceauth.services.privacy.exports import FRAUD_REASONS
from django_faceauth.statuses import LABELS

#: Lists of actions and journeys are no longer than this.
MOST_VALUES: Final = 30

Rows = QuerySet[Any]
Choices = Iterable[tuple[str, Any]]


def values_of(model: type[Model], field: str) -> Iterator[str]:
    """Yield the values of an indexed column, with one read of the index for each."""
    rows = model._default_manager.order_by(field).values_list(field, flat=True)
    value = rows.first()
    for _number in range(MOST_VALUES):
        if value is None:
            return
        yield value
        value = rows.filter(**{f"{field}__gt": value}).first()


class ChoiceFilter(SimpleListFilter):
    """Base: finds nothing for a value that is not offered to the user, such as a fraud code."""

    options: ClassVar[Mapping[str, Any]] = {}
    #: Not "field": to themes of the admin, that is a field of the model.
    path: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return list(self.options.items())

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        if not value:
            return queryset
        is_offered = value in dict(self.lookup_choices)
        return self.matching(queryset, value) if is_offered else queryset.none()

    def matching(self, rows: Rows, value: str) -> Rows:
        return rows.filter(**{self.path: value})


class StatusFilter(ChoiceFilter):
    title = _("status")
    parameter_name = path = "status"
    options = LABELS


class ActionFilter(ChoiceFilter):
    title = _("action")
    parameter_name = "action"
    path = "challenge__action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(f"={name}", name or _("any page")) for name in values_of(FaceChallenge, "action")]

    def matching(self, rows: Rows, value: str) -> Rows:
        return super().matching(rows, value.removeprefix("="))


class ChallengeActionFilter(ActionFilter):
    path = "action"


class MethodFilter(ChoiceFilter):
    title = _("method")
    parameter_name = path = "method"
    options = {
        **{name: name for name in (FACE, PASSKEY, TOTP, RECOVERY_CODE, EXEMPTION)},
        "-": _("another"),
    }

    def matching(self, rows: Rows, value: str) -> Rows:
        if value == "-":  # no method is called so
            return rows.exclude(method__in=self.options)
        return super().matching(rows, value)


class JourneyFilter(ChoiceFilter):
    title = _("user journey")
    parameter_name = "journey"
    path = "user_journey_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(name, name) for name in values_of(model_admin.model, self.path)]


class VersionFilter(JourneyFilter):
    title = _("version")
    parameter_name = path = "version"


class CodeFilter(ChoiceFilter):
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

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        hidden = () if sees_fraud(request) else ("fraud", "behaviour")
        return [(name, group[0]) for name, group in self.GROUPS.items() if name not in hidden]

    def matching(self, rows: Rows, value: str) -> Rows:
        _title, first, end = self.GROUPS[value]
        return rows.filter(code__gte=first, code__lt=end)


STUCK: Final[Mapping[str, Callable[..., Rows]]] = {
    "polls": health.stuck_polls,
    "compared": health.stuck_comparisons,
    "unknown": health.in_unknown_status,
    "events": health.stuck_events,
}


class StuckFilter(ChoiceFilter):
    title = _("stuck")
    parameter_name = "stuck"
    options = {
        "polls": _("poll overdue"),
        "compared": _("compared for too long"),
        "unknown": _("in an unknown status"),
    }

    def matching(self, rows: Rows, value: str) -> Rows:
        return STUCK[value](rows, now=timezone.now())


class StuckEventFilter(StuckFilter):
    options = {"events": _("processing overdue")}


class ReviewFilter(ChoiceFilter):
    title = _("review")
    parameter_name = "review"
    options = {
        "waiting": _("waiting in the queue"),
        "settled": _("settled"),
    }

    def matching(self, rows: Rows, value: str) -> Rows:
        waiting = value == "waiting"
        return rows.filter(review_case__isnull=False, review_case__settled_at__isnull=waiting)


class AgeFilter(ChoiceFilter):
    title = _("date")
    parameter_name = "age"
    options = {
        "1": _("last 24 hours"),
        "7": _("last 7 days"),
        "30": _("last 30 days"),
        "90": _("last 90 days"),
    }

    def matching(self, rows: Rows, value: str) -> Rows:
        return rows.filter(created_at__gte=timezone.now() - timedelta(days=int(value)))


class QueueFilter(SimpleListFilter):
    """The open cases of the review queue, unless others are chosen."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("settled", _("Settled")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Name the list without a choice."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Waiting")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() == "all":
            return queryset
        return queryset.filter(settled_at__isnull=self.value() != "settled")


class ReasonFilter(ChoiceFilter):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        hidden = frozenset() if sees_fraud(request) else FRAUD_REASONS
        return [(name, text) for name, text in ReviewCase.Reason.choices if name not in hidden]

    def matching(self, rows: Rows, value: str) -> Rows:
        # A list of a few words: its text is searched, since not every database looks into JSON.
        return rows.filter(reasons__icontains=f'"{value}"')


class FigureFilter(SimpleListFilter):
    """The rows of a figure of the dashboard, which links to them."""

    title = _("dashboard")
    parameter_name = "figure"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(value, value)] if (value := self.value()) else []

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        try:
            figure = self.value() or ""
            return statistics.rows_of(queryset, figure, with_fraud=sees_fraud(request))
        except (OverflowError, ValueError):
            return queryset.none()
