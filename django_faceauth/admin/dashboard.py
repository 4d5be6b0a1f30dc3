"""The dashboard of the admin, drawn on the server."""

from __future__ import annotations

from collections.abc import Mapping
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
from django_faceauth.admin.showing import NOTHING
from django_faceauth.durations import in_words
from django_faceauth.response_codes import meaning_of
from django_faceauth.services import statistics
from django_faceauth.services.statistics import Reason, Spread, Statistics
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

#: The edges of the chart, in a picture of 640 by 220: numbers stand left of it, dates below.
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
        "figures": [
            *_spread(_("Time to a result"), found.time_to_result, _("From the attempt to the answer")),
            *_spread(_("Webhook delay"), found.webhook_delay, _("From the event to its arrival")),
            *_health(found, site),
        ],
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
        "lines": [(BASE - value * scale, value) for value in (0, top // 2, top)],
        "dates": dates[::-1][::every],  # the newest always has its date
        "left": LEFT,
        "right": RIGHT,
        "base": BASE,
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
    health = found.health
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
        _stuck(_("Stuck events"), found.stuck_events, late, f"{events}?stuck=events", sweep),
        _stuck(_("Stuck polls"), found.stuck_polls, late, f"{rows}?stuck=polls", sweep),
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
