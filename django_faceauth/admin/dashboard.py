"""The dashboard of the admin, drawn on the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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

from django_faceauth.admin.base import sees_fraud
from django_faceauth.admin.display import NOTHING
from django_faceauth.durations import in_words
from django_faceauth.response_codes import meaning_of
from django_faceauth.services.monitoring import statistics
from django_faceauth.services.monitoring.statistics import Reason, Statistics
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

OUTCOMES: Final = {status.value: LABELS[status] for status in statistics.OUTCOMES}

#: The edges of the chart; the template knows them too.
LEFT, RIGHT, TOP, BASE = 44, 622, 10, 194
#: About so many dates fit below the chart.
MOST_DATES: Final = 8
WIDEST_BAR: Final = 40
#: One among a million can be seen, too.
LOWEST_PART: Final = 1.5


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


@require_safe
def dashboard(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the dashboard; raise `PermissionDenied` without the right to view authentications."""
    if not (site.has_permission(request) and request.user.has_perm(PERMISSION)):
        raise PermissionDenied
    asked = request.GET.get("days", "")
    days = next((days for days in WINDOWS if str(days) == asked), USUAL)
    found = statistics.collect(days=days, now=timezone.now(), with_fraud=sees_fraud(request))
    counts = zip(*(found.outcomes[name] for name in OUTCOMES), strict=True)
    rows = [(_date(start, found), each) for start, each in zip(found.starts, counts, strict=True)]
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": _("Face authentication: how it goes"),
        "windows": [(number, label, number == days) for number, label in WINDOWS.items()],
        "window": WINDOWS[days],
        "totals": [(name, label, sum(found.outcomes[name])) for name, label in OUTCOMES.items()],
        "chart": chart(rows, [_date(start, found, is_short=True) for start in found.starts]),
        "rows": rows,
        "reasons": [_reason(reason) for reason in found.reasons],
        "figures": [*_times(found), *_health(found, site)],
    }
    return TemplateResponse(request, "admin/faceauth/dashboard.html", context)


def _date(start: datetime, found: Statistics, *, is_short: bool = False) -> str:
    if found.step == statistics.DAY:
        return date_format(start, "j M" if is_short else "DATE_FORMAT")
    hour = date_format(start, "H:i")
    return hour if is_short else f"{date_format(start, 'DATE_FORMAT')} {hour}"


def chart(rows: list[tuple[str, tuple[int, ...]]], labels: list[str]) -> dict[str, Any]:
    """Return where the parts of the chart are: stacked bars, lines behind them, dates below.

    Each row has the date of a bar and a count for each of `OUTCOMES`, the lowest part first.
    """
    highest = max(sum(counts) for _date, counts in rows)
    step = max(2, 10 ** (len(str(highest)) - 1))
    top = max(step, -(-highest // step) * step)  # a round number with a whole half
    scale, place = (BASE - TOP) / top, (RIGHT - LEFT) / len(rows)
    middles = [LEFT + (number + 0.5) * place for number in range(len(rows))]
    width = min(place * 0.8, WIDEST_BAR)
    bars = []
    for middle, (date, counts) in zip(middles, rows, strict=True):
        y, parts, told = float(BASE), [], []
        for (name, label), count in zip(OUTCOMES.items(), counts, strict=True):
            if count:
                height = max(count * scale, LOWEST_PART)
                y -= height
                parts.append((name, round(y, 1), round(height, 1)))
                told.append(f"{label} {number_format(count)}")
        title = _("%(date)s: %(told)s") % {"date": date, "told": ", ".join(told)}
        bars.append({"title": title, "x": round(middle - width / 2, 1), "parts": parts})
    every = -(-len(rows) // MOST_DATES)
    dates = [(round(middle, 1), label) for middle, label in zip(middles, labels, strict=True)]
    return {
        "bars": bars,
        "width": round(width, 1),
        "lines": [(round(BASE - value * scale, 1), value) for value in (0, top // 2, top)],
        "dates": dates[::-1][::every],  # the newest always has its date
    }


def _reason(reason: Reason) -> dict[str, Any]:
    highest = max(reason.counts)
    points = (f"{number},{highest - count}" for number, count in enumerate(reason.counts))
    return {
        "code": "" if reason.code is None else str(reason.code),
        "meaning": _("Declined") if reason.code is None else meaning_of(reason.code),
        "total": reason.total,
        "highest": highest,
        "last": len(reason.counts) - 1,
        "points": " ".join(points),
    }


def _times(found: Statistics) -> Iterator[Figure]:
    result, arrival = _("From the attempt to the answer"), _("From the event to its arrival")
    for name, spread, hint in (
        (_("Time to a result"), found.time_to_result, result),
        (_("Webhook delay"), found.webhook_delay, arrival),
    ):
        if spread is None:
            yield Figure(name, NOTHING, _("Nothing to measure in this time"))
            continue
        size = number_format(spread.size)
        told = _("%(hint)s, of the newest %(size)s") % {"hint": hint, "size": size}
        yield Figure(_("%(name)s, median") % {"name": name}, in_words(spread.median), told)
        yield Figure(_("%(name)s, 95th percentile") % {"name": name}, in_words(spread.p95), told)


def _health(found: Statistics, site: AdminSite) -> Iterator[Figure]:
    health = found.health
    events, rows = (
        reverse(f"admin:faceauth_{name}_changelist", current_app=site.name)
        for name in ("webhookevent", "faceauthentication")
    )
    waited, waiting = "", ""
    if health.backlog:
        waited = _("The oldest waits for %(time)s") % {"time": in_words(health.oldest_event)}
        waiting = f"{events}?state__exact=stored"
    yield Figure(_("Backlog of events"), number_format(health.backlog), waited, url=waiting)
    used, is_paused = f"{round(health.budget_used * 100)} %", bool(health.pause)
    doctor = _("Run faceauth_doctor.")
    yield Figure(_("Poll budget in use"), used, health.why_paused, is_bad=is_paused, cure=doctor)
    late = _("Due for more than five minutes")
    sweep = _("Run faceauth_sync --watch, or a Celery worker and beat.")
    compared = _("Face shown, and compared for too long")
    ask = _("Select them, and ask the provider. If that changes nothing, write to its support.")
    newer, update = _("Newer than this version"), _("Update django-faceauth.")
    for name, count, hint, url, cure in (
        (_("Stuck events"), found.stuck_events, late, f"{events}?stuck=events", sweep),
        (_("Stuck polls"), found.stuck_polls, late, f"{rows}?stuck=polls", sweep),
        (_("Stuck on the way"), health.stuck, compared, f"{rows}?stuck=compared", ask),
        (_("Unknown statuses"), health.unknown_statuses, newer, f"{rows}?stuck=unknown", update),
    ):
        at_least = "≥ " if count >= statistics.MOST_STUCK else ""
        value = f"{at_least}{number_format(count)}"
        yield Figure(name, value, hint, True, url, cure) if count else Figure(name, value)
