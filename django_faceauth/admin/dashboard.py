"""Dashboard of outcomes, reasons, times and stuck work, drawn on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from django_faceauth.admin.base import ReadOnlyModelAdmin, may, sees_fraud
from django_faceauth.admin.display import NOTHING
from django_faceauth.durations import in_words
from django_faceauth.models import ProviderRateLimit
from django_faceauth.response_codes import meaning_of
from django_faceauth.services.monitoring import statistics
from django_faceauth.services.monitoring.health import DELAY_WINDOW
from django_faceauth.services.monitoring.statistics import Statistics, figure_of
from django_faceauth.statuses import LABELS

#: The windows that can be chosen, in days.
WINDOWS: Final = {1: _("24 hours"), 7: _("7 days"), 30: _("30 days"), 90: _("90 days")}
OUTCOMES: Final = {status.value: LABELS[status] for status in statistics.OUTCOMES}

ROWS, EVENTS = "faceauthentication", "webhookevent"

#: What helps when the provider is not called.
PAUSES: Final[dict[str, Any]] = {
    ProviderRateLimit.Pause.ASKED_TO: _("Calls resume soon. If not, lower FACEAUTH_POLL_RATE."),
    ProviderRateLimit.Pause.NO_ACCESS: _("Correct the credentials, then run faceauth_doctor."),
}
#: More reads for a result, and a larger share of the account's, are too many.
MANY_READS, BUSY = 5, 0.5

#: The edges of the chart; the template knows them too.
LEFT, RIGHT, TOP, BASE = 44, 622, 10, 194
#: About this many dates fit below the chart.
MOST_DATES: Final = 8
WIDEST_BAR: Final = 40
#: One among a million can be seen, too.
LOWEST_PART: Final = 1.5


class DashboardAdmin(ReadOnlyModelAdmin):
    """The dashboard, in the place of a list."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "view_faceauthentication")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changelist_view)
        names = ("faceauth_dashboard_changelist", "faceauth_dashboard")
        return [path("", view, name=name) for name in names]

    @method_decorator(require_safe)
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        site = self.admin_site

        def link(model: str, *figure: Any, **query: str) -> str:
            """Return the URL of the rows of a figure; empty if the user may not view them."""
            if figure:
                query["figure"] = figure_of(*figure)
            url = reverse(f"{site.name}:faceauth_{model}_changelist")
            return f"{url}?{urlencode(query)}" if may(request, f"view_{model}") else ""

        asked, now = request.GET.get("days", ""), timezone.now()
        days = next((days for days in WINDOWS if str(days) == asked), 7)
        found = statistics.collect(days=days, now=now, with_fraud=sees_fraud(request))
        dates = [date_format(start, "DATE_FORMAT") for start in found.starts]
        labels = [date_format(start, "H:i" if days == 1 else "j M") for start in found.starts]
        if days == 1:
            dates = [f"{date} {hour}" for date, hour in zip(dates, labels, strict=True)]
        counts = list(zip(*(found.outcomes[name] for name in OUTCOMES), strict=True))
        window = (found.starts[0], found.end)
        cells = [
            [(count, link(ROWS, name, *step)) for name, count in zip(OUTCOMES, row, strict=True)]
            for step, row in zip(pairwise((*found.starts, found.end)), counts, strict=True)
        ]
        totals = [
            (name, label, found.totals.get(name), link(ROWS, name, *window))
            for name, label in OUTCOMES.items()
        ]
        reasons = [
            (code, meaning_of(code), count, link(ROWS, code, *window))
            if code
            else (code, _("Declined"), count, link(ROWS, "fraud", *window))
            for code, count in found.reasons
        ]
        request.current_app = site.name
        context = {
            **site.each_context(request),
            "title": _("Face authentication: dashboard"),
            "windows": [(number, label, number == days) for number, label in WINDOWS.items()],
            "window": WINDOWS[days],
            "totals": totals,
            "chart": chart(list(zip(dates, counts, strict=True)), labels),
            "rows": list(zip(dates, cells, strict=True)),
            "reasons": reasons,
            "figures": list(_figures(found, link, now)),
        }
        return TemplateResponse(request, "admin/faceauth/dashboard.html", context)


def chart(rows: list[tuple[str, tuple[int, ...]]], labels: list[str]) -> dict[str, Any]:
    """Return the places of stacked bars, the lines behind them and the dates below.

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
        y, parts, texts = float(BASE), [], []
        for (name, label), count in zip(OUTCOMES.items(), counts, strict=True):
            if count:
                height = max(count * scale, LOWEST_PART)
                y -= height
                parts.append((name, round(y, 1), round(height, 1)))
                texts.append(f"{label} {number_format(count)}")
        title = f"{date}: {', '.join(texts)}"
        bars.append({"title": title, "x": round(middle - width / 2, 1), "parts": parts})
    dates = [(round(middle, 1), label) for middle, label in zip(middles, labels, strict=True)]
    return {
        "bars": bars,
        "width": round(width, 1),
        "lines": [(round(BASE - value * scale, 1), value) for value in (0, top // 2, top)],
        "dates": dates[:: len(rows) // -MOST_DATES],  # the newest always has its date
    }


def _figures(
    found: Statistics, link: Callable[..., str], now: datetime
) -> Iterator[tuple[Any, ...]]:
    """Yield names, values, hints, URLs and numbers of the rows, and fixes of what is bad."""
    health, window = found.health, (found.starts[0], found.end)
    newest = _("Of the newest %(size)s")
    for name, spread, model, sample in (
        (_("Time to a result"), found.time_to_result, ROWS, "timed"),
        (_("Webhook delay"), found.webhook_delay, EVENTS, "delayed"),
    ):
        if spread is None:
            yield name, NOTHING, "", "", 0, ""
            continue
        hint, url = newest % {"size": spread.size}, link(model, sample, *window)
        median, percentile = _("%(name)s, median"), _("%(name)s, 95th percentile")
        yield median % {"name": name}, in_words(spread.median), hint, url, spread.size, ""
        yield percentile % {"name": name}, in_words(spread.p95), hint, url, spread.size, ""
    age = _("The oldest has been waiting for %(time)s") % {"time": in_words(health.oldest_event)}
    count, url = health.backlog, link(EVENTS, state__exact="stored")
    yield _("Backlog of events"), number_format(count), age, url, count, ""
    used, count = f"{round(health.budget_used * 100)} %", ProviderRateLimit.objects.count()
    url, fix = link("providerratelimit"), PAUSES.get(health.pause, "")
    yield _("Provider rate limit in use"), used, health.why_paused, url, count, fix
    calls, size = (health.reads_per_check, health.writes_per_check), health.called_for
    value = " + ".join(number_format(number, 1) for number in calls if number) or NOTHING
    url = link(ROWS, "called_for", now - DELAY_WINDOW, now)
    hint, fewer = newest % {"size": size}, _("Have all webhooks delivered: that saves reads.")
    fix = (calls[0] or 0) > MANY_READS and fewer
    yield _("Reads and writes for each result"), value, hint, url, size, fix
    share, fix = f"{round(health.account_used * 100)} %", health.account_used > BUSY and fewer
    yield _("Share of the account's reads"), share, hint, url, size, fix
    late, sweep = _("More than five minutes late"), _("Run faceauth_sync --watch or Celery beat.")
    sync = _("Select them and sync with the provider. If that changes nothing, ask its support.")
    update = _("Update django-faceauth.")
    for name, count, note, model, stuck, fix in (
        (_("Stuck events"), found.stuck_events, late, EVENTS, "events", sweep),
        (_("Stuck polls"), found.stuck_polls, late, ROWS, "polls", sweep),
        (_("Stuck comparisons"), health.stuck, "", ROWS, "compared", sync),
        (_("Unknown statuses"), health.unknown_statuses, "", ROWS, "unknown", update),
    ):
        value = f"{'≥ ' if count >= statistics.MOST_STUCK else ''}{number_format(count)}"
        yield name, value, note, link(model, stuck=stuck), count, count and fix
