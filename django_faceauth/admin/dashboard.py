"""Dashboard of outcomes, reasons, times and stuck work, drawn on the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from django_faceauth.admin.base import sees_fraud
from django_faceauth.admin.display import NOTHING
from django_faceauth.durations import in_words
from django_faceauth.response_codes import meaning_of
from django_faceauth.services.monitoring import statistics
from django_faceauth.services.monitoring.statistics import Statistics
from django_faceauth.statuses import LABELS

#: The windows that can be chosen, in days.
WINDOWS: Final = {1: _("24 hours"), 7: _("7 days"), 30: _("30 days"), 90: _("90 days")}
OUTCOMES: Final = {status.value: LABELS[status] for status in statistics.OUTCOMES}

#: The edges of the chart; the template knows them too.
LEFT, RIGHT, TOP, BASE = 44, 622, 10, 194
#: About this many dates fit below the chart.
MOST_DATES: Final = 8
WIDEST_BAR: Final = 40
#: One among a million can be seen, too.
LOWEST_PART: Final = 1.5


@require_safe
def dashboard(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the dashboard."""
    asked = request.GET.get("days", "")
    days = next((days for days in WINDOWS if str(days) == asked), 7)
    found = statistics.collect(days=days, now=timezone.now(), with_fraud=sees_fraud(request))
    dates = [date_format(start, "DATE_FORMAT") for start in found.starts]
    labels = [date_format(start, "H:i" if days == 1 else "j M") for start in found.starts]
    if days == 1:
        dates = [f"{date} {hour}" for date, hour in zip(dates, labels, strict=True)]
    counts = zip(*(found.outcomes[name] for name in OUTCOMES), strict=True)
    rows = list(zip(dates, counts, strict=True))
    reasons = []
    for code, by_step in found.reasons:
        highest = max(by_step)
        points = " ".join(f"{number},{highest - count}" for number, count in enumerate(by_step))
        meaning = _("Declined") if code is None else meaning_of(code)
        reasons.append((code, meaning, sum(by_step), highest, points))
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": _("Face authentication: dashboard"),
        "windows": [(number, label, number == days) for number, label in WINDOWS.items()],
        "window": WINDOWS[days],
        "totals": [(name, label, sum(found.outcomes[name])) for name, label in OUTCOMES.items()],
        "chart": chart(rows, labels),
        "rows": rows,
        "reasons": reasons,
        "last_step": len(rows) - 1,
        "figures": list(_figures(found, site)),
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


def _figures(found: Statistics, site: AdminSite) -> Iterator[tuple[Any, ...]]:
    """Yield names, values, hints, URLs of the rows that are counted, and fixes of what is bad."""
    for name, spread in (
        (_("Time to a result"), found.time_to_result),
        (_("Webhook delay"), found.webhook_delay),
    ):
        if spread is None:
            yield name, NOTHING, _("No measurements in this period"), "", ""
            continue
        hint = _("Of the newest %(size)s") % {"size": number_format(spread.size)}
        yield _("%(name)s, median") % {"name": name}, in_words(spread.median), hint, "", ""
        percentile = _("%(name)s, 95th percentile") % {"name": name}
        yield percentile, in_words(spread.p95), hint, "", ""
    health = found.health
    events = reverse("admin:faceauth_webhookevent_changelist", current_app=site.name)
    rows = reverse("admin:faceauth_faceauthentication_changelist", current_app=site.name)
    age = _("The oldest has been waiting for %(time)s") % {"time": in_words(health.oldest_event)}
    waiting = (age, f"{events}?state__exact=stored") if health.backlog else ("", "")
    yield _("Backlog of events"), number_format(health.backlog), *waiting, ""
    used, doctor = f"{round(health.budget_used * 100)} %", _("Run faceauth_doctor.")
    yield _("Provider rate limit in use"), used, health.why_paused, "", health.pause and doctor
    calls = (health.reads_per_check, health.writes_per_check)
    value = " + ".join(number_format(number, 1) for number in calls if number) or NOTHING
    share = _("%(share)s %% of the account's reads") % {"share": round(health.account_used * 100)}
    yield _("Reads and writes for each result"), value, share, "", ""
    late, sweep = _("More than five minutes late"), _("Run faceauth_sync --watch or Celery beat.")
    ask = _("Select them and ask the provider. If that changes nothing, contact its support.")
    update = _("Update django-faceauth.")
    for name, count, note, url, fix in (
        (_("Stuck events"), found.stuck_events, late, f"{events}?stuck=events", sweep),
        (_("Stuck polls"), found.stuck_polls, late, f"{rows}?stuck=polls", sweep),
        (_("Stuck comparisons"), health.stuck, "", f"{rows}?stuck=compared", ask),
        (_("Unknown statuses"), health.unknown_statuses, "", f"{rows}?stuck=unknown", update),
    ):
        value = f"{'≥ ' if count >= statistics.MOST_STUCK else ''}{number_format(count)}"
        yield (name, value, note, url, fix) if count else (name, value, "", "", "")
