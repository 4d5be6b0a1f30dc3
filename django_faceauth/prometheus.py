"""Metrics for Prometheus, for sites with `prometheus_client`.

One line in the `ready()` of an app of the site, `prometheus.register()`, in every process.

Gauges are read from the database when they are scraped, so every process gives the same.
Counters are counted where things happen: each process has its own, and with
`PROMETHEUS_MULTIPROC_DIR` the client library adds them up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from django.db import Error as DatabaseTrouble
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from django_faceauth import metrics
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.models import ProviderRateLimit
from django_faceauth.services.monitoring import health
from django_faceauth.services.monitoring.health import Health

__all__ = ["FaceAuthCollector", "register"]

logger = logging.getLogger(__name__)

#: Name, help and reader of each gauge; None leaves it out.
GAUGES: Final[tuple[tuple[str, str, Callable[[Health], float | timedelta | None]], ...]] = (
    ("backlog_events", "Waiting webhook events.", lambda report: report.backlog),
    ("oldest_event_seconds", "Age of the oldest waiting.", lambda report: report.oldest_event),
    ("newest_event_seconds", "Age of the last webhook.", lambda report: report.newest_event),
    ("poll_overdue_seconds", "Delay of the latest poll.", lambda report: report.overdue),
    ("unknown_statuses", "In an unknown status.", lambda report: report.unknown_statuses),
    ("stuck_authentications", "Captured, and not compared since.", lambda report: report.stuck),
    ("budget_used_ratio", "Share of the rate limit in use.", lambda report: report.budget_used),
    ("account_used_ratio", "Share of the account's reads.", lambda report: report.account_used),
    ("reads_per_check", "Reads for each result.", lambda report: report.reads_per_check),
    ("writes_per_check", "Writes for each result.", lambda report: report.writes_per_check),
    ("erasures_refused", "Rejected erasures.", lambda report: report.erasures_refused),
    ("erasure_overdue_seconds", "Delay of erasures.", lambda report: report.erasure_overdue),
    ("reviews_waiting", "Cases in the review queue.", lambda report: report.reviews_waiting),
)

#: Name, label if there is one, and help of each counter.
COUNTERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "challenge_revoked": ("challenges_revoked", "", "Revoked grants."),
    "gate": ("gate_decisions", "reason", "Decisions of gates."),
    "limited": ("starts_limited", "scope", "Starts that a rate limit refused."),
    "sequence_fail": ("approvals_burnt", "", "Approvals that were for another challenge."),
    "unforeseen": ("unforeseen_errors", "", "Unexpected errors of rows and of `when`."),
    "webhook_not_kept": ("webhook_not_kept", "", "Webhooks that could not be stored."),
    "webhook_rejected": ("webhook_rejected", "reason", "Webhooks that did not prove genuine."),
    "webhook_unusable": ("webhook_unusable", "", "Genuine webhooks that made no sense."),
}
#: In place of a word that is not in `metrics.COUNTERS`, so that series do not grow in number.
OTHER: Final = "other"


class FaceAuthCollector(Collector):
    """Health of the background work, as gauges."""

    def describe(self) -> Iterable[Metric]:
        """Return the names: a registry asks when there may be no database yet."""
        return _gauges(Health(newest_event=timedelta(0)))

    def collect(self) -> Iterable[Metric]:
        """Read the rows; called for each scrape.

        Raises nothing when that fails: other metrics of the site are in the same answer.
        """
        try:
            report = health.report(now=timezone.now())
        except (DatabaseTrouble, ConfigurationError) as trouble:
            logger.error("health not read: %s", type(trouble).__name__)
            return [_healthy(False)]
        return _gauges(report)


def register(registry: CollectorRegistry = REGISTRY) -> None:
    """Add our gauges and counters to a registry; once in each process."""
    registry.register(FaceAuthCollector())
    counters = {}
    for kind, (name, label, text) in COUNTERS.items():
        labels = [label] if label else []
        counters[kind] = Counter(f"faceauth_{name}", text, labels, registry=registry)
        for word in metrics.COUNTERS[kind]:
            counters[kind].labels(word)  # rates need a series that is there from the start

    def add(name: str) -> None:
        kind, _dot, word = name.partition(".")
        if kind in counters:
            words = metrics.COUNTERS[kind]
            counter = counters[kind]
            (counter.labels(word if word in words else OTHER) if words else counter).inc()

    metrics.listeners.append(add)


def _gauges(report: Health) -> Iterator[Metric]:
    yield _healthy(report.is_good)
    for name, text, read in GAUGES:
        value = read(report)
        if value is not None:
            yield GaugeMetricFamily(f"faceauth_{name}", text, value=_number(value))
    paused = GaugeMetricFamily(
        "faceauth_paused", "1 while the provider is not called.", labels=["reason"]
    )
    for reason in ProviderRateLimit.Pause.values:
        paused.add_metric([reason], float(report.pause == reason))
    yield paused
    delays = GaugeMetricFamily(
        "faceauth_webhook_delay_seconds",
        "Time from the provider to us, of the webhooks of the last hour.",
        labels=["quantile"],
    )
    for quantile, delay in (("0.5", report.delay), ("0.95", report.delay_95)):
        if delay is not None:
            delays.add_metric([quantile], _number(delay))
    yield delays


def _healthy(is_good: bool) -> Metric:
    text = "1 when nothing needs attention; 0 also when the health cannot be read."
    return GaugeMetricFamily("faceauth_healthy", text, value=is_good)


def _number(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value
