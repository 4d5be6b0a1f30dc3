"""How it goes, on one page of the admin: drawn on the server, without a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from django_faceauth.admin import charts
from django_faceauth.admin.base import sees_fraud
from django_faceauth.admin.display import NOTHING
from django_faceauth.durations import in_words
from django_faceauth.response_codes import meaning_of
from django_faceauth.services.monitoring import statistics
from django_faceauth.services.monitoring.statistics import Reason, Spread, Statistics
from django_faceauth.statuses import LABELS

PERMISSION: Final = "faceauth.view_faceauthentication"

#: The windows that can be chosen, in days.
WINDOWS: Final[Mapping[int, str | Promise]] = {
    1: gettext_lazy("24 hours"),
    7: gettext_lazy("7 days"),
    30: gettext_lazy("30 days"),
    90: gettext_lazy("90 days"),
}
USUAL: Final = 7

OUTCOMES: Final[Mapping[str, str | Promise]] = {
    status.value: LABELS[status] for status in statistics.OUTCOMES
}
HOUR_FORMAT: Final = "H:i"
DAY_FORMAT: Final = "j M"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name, what it means, and whether it needs attention.

    `url` is the list of the rows that are counted, and `cure` what helps.
    """

    name: str
    value: str
    hint: str = ""
    is_bad: bool = False
    url: str = ""
    cure: str = ""


def dashboard(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show how it goes; raises `PermissionDenied` to who may not see authentications."""
    if not (site.has_permission(request) and request.user.has_perm(PERMISSION)):
        raise PermissionDenied
    return _shown(request, site)


@require_safe
def _shown(request: HttpRequest, site: AdminSite) -> HttpResponse:
    days = _days(request.GET.get("days", ""))
    found = statistics.collect(days=days, now=timezone.now(), with_fraud=sees_fraud(request))
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": _("Face authentication: how it goes"),
        "windows": [(number, label, number == days) for number, label in WINDOWS.items()],
        "window": WINDOWS[days],
        "totals": _totals(found),
        "chart": _chart(found),
        "rows": _rows(found),
        "reasons": [_told(reason) for reason in found.reasons],
        "figures": [*_times(found), *_health(found, site)],
    }
    return TemplateResponse(request, "admin/faceauth/dashboard.html", context)


def _days(asked: str) -> int:
    """Return the window that was asked for, or the usual one for anything else."""
    return next((days for days in WINDOWS if str(days) == asked), USUAL)


# -- outcomes


def _totals(found: Statistics) -> list[tuple[str, str | Promise, int]]:
    return [(name, label, sum(found.outcomes[name])) for name, label in OUTCOMES.items()]


def _chart(found: Statistics) -> charts.Chart:
    return charts.stacked(
        [(name, found.outcomes[name]) for name in OUTCOMES],
        labels=_labels(found),
        titles=[_title(date, counts) for date, counts in _rows(found)],
    )


def _rows(found: Statistics) -> list[tuple[str, list[int]]]:
    counts = zip(*(found.outcomes[name] for name in OUTCOMES), strict=True)
    return [(date, list(each)) for date, each in zip(_dates(found), counts, strict=True)]


def _title(date: str, counts: list[int]) -> str:
    told = [
        f"{label} {number_format(count)}"
        for label, count in zip(OUTCOMES.values(), counts, strict=True)
        if count
    ]
    return _("%(date)s: %(told)s") % {"date": date, "told": ", ".join(told) or _("nothing")}


def _labels(found: Statistics) -> list[str]:
    if found.step < statistics.DAY:
        return [date_format(start, HOUR_FORMAT) for start in found.starts]
    return [date_format(start, DAY_FORMAT) for start in found.starts]


def _dates(found: Statistics) -> list[str]:
    days = [date_format(start, "DATE_FORMAT") for start in found.starts]
    if found.step < statistics.DAY:
        return [
            f"{day} {date_format(start, HOUR_FORMAT)}"
            for day, start in zip(days, found.starts, strict=True)
        ]
    return days


# -- reasons


def _told(reason: Reason) -> dict[str, Any]:
    is_hidden = reason.code is None
    return {
        "code": "" if is_hidden else str(reason.code),
        "meaning": _("Declined") if reason.code is None else meaning_of(reason.code),
        "total": reason.total,
        "spark": charts.spark(reason.counts),
        "highest": max(reason.counts),
    }


# -- times and health


def _times(found: Statistics) -> list[Figure]:
    return [
        *_spread(_("Time to a result"), found.time_to_result, _("From the attempt to the answer")),
        *_spread(_("Webhook delay"), found.webhook_delay, _("From the event to its arrival")),
    ]


def _spread(name: str, spread: Spread | None, hint: str) -> list[Figure]:
    if spread is None:
        return [Figure(name, NOTHING, _("Nothing to measure in this time"))]
    told = _("%(hint)s, of the newest %(size)s") % {
        "hint": hint,
        "size": number_format(spread.size),
    }
    return [
        Figure(_("%(name)s, median") % {"name": name}, in_words(spread.median), told),
        Figure(_("%(name)s, 95th percentile") % {"name": name}, in_words(spread.p95), told),
    ]


def _health(found: Statistics, site: AdminSite) -> list[Figure]:
    health, stuck = found.health, found.stuck
    waited = _("The oldest waits for %(time)s") % {"time": in_words(health.oldest_event)}
    events, rows = (
        reverse(f"admin:faceauth_{name}_changelist", current_app=site.name)
        for name in ("webhookevent", "faceauthentication")
    )
    sweep = _("Run faceauth_sync --watch, or a Celery worker and beat.")
    late = _("Due for more than five minutes")
    return [
        Figure(
            _("Backlog of events"),
            number_format(health.backlog),
            waited if health.backlog else "",
            url=f"{events}?state__exact=stored" if health.backlog else "",
        ),
        Figure(
            _("Poll budget in use"),
            f"{round(health.budget_used * 100)} %",
            health.why_paused,
            is_bad=bool(health.pause),
            cure=_("Run faceauth_doctor."),
        ),
        _stuck(_("Stuck events"), stuck.events, late, f"{events}?stuck=events", sweep),
        _stuck(_("Stuck polls"), stuck.polls, late, f"{rows}?stuck=polls", sweep),
        _stuck(
            _("Stuck on the way"),
            health.stuck,
            _("Face shown, and compared for too long"),
            f"{rows}?stuck=compared",
            _("Select them, and ask the provider. If that changes nothing, write to its support."),
        ),
        _stuck(
            _("Unknown statuses"),
            health.unknown_statuses,
            _("Newer than this version"),
            f"{rows}?stuck=unknown",
            _("Update django-faceauth."),
        ),
    ]


def _stuck(name: str, count: int, hint: str, url: str, cure: str) -> Figure:
    shown = f"≥ {number_format(count)}" if count >= statistics.MOST_STUCK else number_format(count)
    if not count:
        return Figure(name, shown)
    return Figure(name, shown, hint, is_bad=True, url=url, cure=cure)
