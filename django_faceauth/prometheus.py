"""Metrics for Prometheus, for sites with `prometheus_client`.

One line in the `ready()` of an app of the site, `prometheus.register()`, in every process.

Gauges are read from the database when they are asked for, so every process gives the same.
Counters are counted where things happen: each process has its own, and with
`PROMETHEUS_MULTIPROC_DIR` the client library adds them up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
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

Reading = Callable[[Health], float | None]

#: What a gauge is called, what it tells, and how it is read; None leaves it out.
GAUGES: Final[tuple[tuple[str, str, Reading], ...]] = (
    ("backlog_events", "Webhook events that wait.", lambda it: it.backlog),
    ("oldest_event_seconds", "How long the oldest waits.", lambda it: _seconds(it.oldest_event)),
    ("newest_event_seconds", "Since the last webhook.", lambda it: _seconds(it.newest_event)),
    ("poll_overdue_seconds", "How late the latest poll is.", lambda it: _seconds(it.overdue)),
    ("unknown_statuses", "In a status we do not know.", lambda it: it.unknown_statuses),
    ("stuck_authentications", "Shown, and not compared since.", lambda it: it.stuck),
    ("budget_used_ratio", "Share of the calls used up.", lambda it: it.budget_used),
    ("erasures_refused", "What is not forgotten.", lambda it: it.erasures_refused),
    ("erasure_overdue_seconds", "How late the latest is.", lambda it: _seconds(it.erasure_overdue)),
    ("reviews_waiting", "Cases in the review queue.", lambda it: it.reviews_waiting),
)

#: What a counter is called, its label if it has one, and what it counts.
COUNTERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "challenge_revoked": ("challenges_revoked", "", "Grants that were taken back."),
    "limited": ("starts_limited", "scope", "Starts that a limit refused."),
    "sequence_fail": ("approvals_burnt", "", "Approvals that were shown for something else."),
    "unforeseen": ("unforeseen_errors", "", "Rows whose handling failed unexpectedly."),
    "webhook_not_kept": ("webhook_not_kept", "", "Webhooks that were told to come back."),
    "webhook_rejected": ("webhook_rejected", "reason", "Webhooks that did not prove genuine."),
    "webhook_unusable": ("webhook_unusable", "", "Genuine webhooks that made no sense."),
}
#: In place of a word that is not in `metrics.COUNTERS`, so that series do not grow in number.
OTHER: Final = "other"


class FaceAuthCollector(Collector):
    """How the work is going, as gauges."""

    def describe(self) -> Iterable[Metric]:
        """Return what there may be: a registry asks when the database may not be there yet."""
        return _gauges(Health(newest_event=timedelta(0)))

    def collect(self) -> Iterable[Metric]:
        """Look at the rows; called for each scrape.

        Raises nothing when it cannot: other metrics of the site are in the same answer.
        """
        try:
            found = health.report(now=timezone.now())
        except (DatabaseTrouble, ConfigurationError) as trouble:
            logger.error("health not read: %s", type(trouble).__name__)
            return [_healthy(is_good=False)]
        return _gauges(found)


def register(registry: CollectorRegistry = REGISTRY) -> None:
    """Give our gauges and counters to a registry; once in each process."""
    registry.register(FaceAuthCollector())
    counters = {kind: _counter(kind, registry) for kind in COUNTERS}
    metrics.listeners.append(partial(_add, counters))


def _add(counters: Mapping[str, Counter], name: str) -> None:
    kind, _dot, word = name.partition(".")
    if kind not in counters:
        return
    known = metrics.COUNTERS[kind]
    counter = counters[kind].labels(word if word in known else OTHER) if known else counters[kind]
    counter.inc()


def _counter(kind: str, registry: CollectorRegistry) -> Counter:
    name, label, text = COUNTERS[kind]
    counter = Counter(f"faceauth_{name}", text, [label] if label else [], registry=registry)
    for word in metrics.COUNTERS[kind]:
        counter.labels(word)  # a series that is there from the start can be watched for growth
    return counter


def _gauges(found: Health) -> Iterator[Metric]:
    yield _healthy(is_good=found.is_good)
    for name, text, read in GAUGES:
        value = read(found)
        if value is not None:
            yield GaugeMetricFamily(f"faceauth_{name}", text, value=value)
    pauses = {reason: float(found.pause == reason) for reason in ProviderRateLimit.Pause.values}
    yield _labelled("paused", "1 while the provider is not asked.", "reason", pauses)
    delays = {"0.5": _seconds(found.delay), "0.95": _seconds(found.delay_95)}
    text = "How long the webhooks of the last hour took from the provider to us."
    yield _labelled("webhook_delay_seconds", text, "quantile", delays)


def _healthy(*, is_good: bool) -> Metric:
    text = "1 when nobody needs to look; 0 also when that cannot be told."
    return GaugeMetricFamily("faceauth_healthy", text, value=is_good)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float | None]) -> Metric:
    family = GaugeMetricFamily(f"faceauth_{name}", text, labels=[label])
    for word, value in values.items():
        if value is not None:
            family.add_metric([word], value)
    return family


def _seconds(time: timedelta | None) -> float | None:
    return None if time is None else time.total_seconds()
