"""Metrics for Prometheus, as the exposition text has them (D-13)."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test import override_settings
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

import django_faceauth
from django_faceauth import metrics, prometheus
from django_faceauth.messages import LIMITED
from django_faceauth.models import (
    Erasure,
    ErasureTask,
    FaceAuthentication,
    ReviewCase,
)
from django_faceauth.services import limits
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import provider_rate_limit
from tests.provider_double import answers
from tests.sweeping import sweep_once
from tests.webhook_deliveries import deliver, event

FAV = "fav_" + "b" * 26

Scrape = Callable[..., "float | None"]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    """A registry of its own for each test, told of what is counted from now on."""
    monkeypatch.setattr(metrics, "listeners", [])
    registry = CollectorRegistry(auto_describe=True)
    prometheus.register(registry)
    return registry


@pytest.fixture
def scrape(db: None, registry: CollectorRegistry) -> Scrape:
    """Read one sample of the exposition text."""

    def scrape(name: str, **labels: str) -> float | None:
        return samples(registry).get((f"faceauth_{name}", frozenset(labels.items())))

    return scrape


def samples(registry: CollectorRegistry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return all samples, by name and labels, but not when counters were made."""
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


# -- how the work goes


def test_nothing_is_waiting(scrape, provider):
    assert scrape("healthy") == 1
    for name in ("backlog_events", "oldest_event_seconds", "poll_overdue_seconds"):
        assert scrape(name) == 0
    assert scrape("newest_event_seconds") is None
    assert scrape("webhook_delay_seconds", quantile="0.5") is None
    assert provider.calls == []


def test_every_gauge(scrape, person):
    now = timezone.now()
    person.is_handed_over(person.is_asked())
    FaceAuthentication.objects.update(status="invented_tomorrow")
    for seconds in (4, 6, 8):
        deliver(event(FAV, created_on=now - timedelta(seconds=seconds)))
    stuck = FaceAuthentication.objects.create(
        user=person.user, status="checks_in_progress", environment="sandbox"
    )
    ReviewCase.objects.create(authentication=stuck, raised_at=now)
    erasure = Erasure.objects.create(who="1", reason="request", requested_at=now)
    for state, due_at in (("refused", None), ("due", now - timedelta(1))):
        ErasureTask.objects.create(
            erasure=erasure, digest=state, environment="sandbox", state=state, due_at=due_at
        )
    person.clock.shift(timedelta(minutes=6))
    FaceAuthentication.objects.filter(pk=stuck.pk).update(
        created_at=now - timedelta(hours=2), last_change_at=now - timedelta(hours=2)
    )
    while scrape("budget_used_ratio") < 0.5:
        assert provider_rate_limit.try_acquire(now=timezone.now(), someone_waits=True)

    assert scrape("backlog_events") == 3
    assert scrape("oldest_event_seconds") == scrape("newest_event_seconds") == 360
    assert scrape("webhook_delay_seconds", quantile="0.5") == 6
    assert scrape("webhook_delay_seconds", quantile="0.95") == 7.8
    assert scrape("poll_overdue_seconds") > 300
    assert scrape("unknown_statuses") == 1
    assert scrape("stuck_authentications") == 1
    assert scrape("reviews_waiting") == 1
    assert scrape("erasures_refused") == 1
    assert scrape("erasure_overdue_seconds") == 86_400 + 360
    assert scrape("healthy") == 0


def test_what_a_check_costs_at_the_provider(scrape, people):
    """Calls for each result of the last hour, and the share of the account's reads."""
    assert scrape("reads_per_check") is scrape("writes_per_check") is None
    assert scrape("account_used_ratio") == 0

    anna, ben = people(), people()
    anna.passes("/statements/")
    ben.is_handed_over(ben.is_asked())  # and gives up: that is paid for, too

    assert (scrape("reads_per_check"), scrape("writes_per_check")) == (3, 4)
    assert scrape("account_used_ratio") == 3 / 3 / 100
    anna.clock.shift(timedelta(hours=1))
    assert (scrape("reads_per_check"), scrape("account_used_ratio")) == (None, 0)


def test_why_the_provider_is_not_asked(scrape, person, provider):
    """What others call the state of a breaker (P-06)."""
    assert scrape("paused", reason="no_access") == scrape("paused", reason="asked_to") == 0
    person.is_handed_over(person.is_asked())
    person.clock.shift(3)
    provider.troubles.append(answers(401))
    sweep_once()

    assert (scrape("paused", reason="no_access"), scrape("paused", reason="asked_to")) == (1, 0)
    assert scrape("healthy") == 0


def test_a_database_that_is_away_leaves_the_other_metrics_alone(registry, db):
    class Mine(Collector):
        def collect(self):
            yield prometheus.GaugeMetricFamily("mine", "Of the site.", value=7)

    registry.register(Mine())

    def away(*_args: object) -> None:
        raise OperationalError("canary")

    with connection.execute_wrapper(away):
        found = samples(registry)

    assert found["mine", frozenset()] == 7
    assert found["faceauth_healthy", frozenset()] == 0
    assert ("faceauth_backlog_events", frozenset()) not in found


# -- what was counted


def test_the_series_are_there_from_the_start_and_bounded(registry, db, scrape):
    """So that the first of them is seen as growth, and unknown words are one."""
    found = samples(registry)
    counters = {name: dict(labels) for name, labels in found if name.endswith("_total")}
    reasons = {dict(labels)["reason"] for name, labels in found if "rejected" in name}
    assert set(counters) == {f"faceauth_{name}_total" for name, *_ in prometheus.COUNTERS.values()}
    assert reasons == set(metrics.COUNTERS["webhook_rejected"])
    scopes = {dict(labels)["scope"] for name, labels in found if "limited" in name}
    assert scopes == set(LIMITED)  # each that a user can be told of

    for number in range(100):
        metrics.count(f"limited.{number}")
        metrics.count(f"kind{number}.x")
    assert scrape("starts_limited_total", scope="other") == 100
    assert len(samples(registry)) == len(found) + 1


def test_webhooks_that_were_not_processed(scrape):
    deliver(event(FAV), signature="")
    deliver(event(FAV), signature="v1=x")
    deliver(event(FAV), key="x" * 32)
    deliver(event(FAV), key="y" * 32)
    with override_settings(FACEAUTH_WEBHOOK_AUTHORIZATION_KEY="needed"):
        deliver(event(FAV))
    deliver(b"[]")
    with override_settings(FACEAUTH_WEBHOOK_SECRET_KEYS=["short"]):
        deliver(event(FAV))

    counted = {
        reason: scrape("webhook_rejected_total", reason=reason)
        for reason in metrics.COUNTERS["webhook_rejected"]
    }
    once = dict.fromkeys(["authorization", "malformed", "missing"], 1)
    assert counted == {**once, "incomplete": 0, "no_length": 0, "no_match": 2}
    assert scrape("webhook_unusable_total") == scrape("webhook_not_kept_total") == 1


def test_revocations_and_starts_that_a_limit_refused(scrape, person):
    person.passes("/statements/")
    revocation.revoke(person.authentication, reason="x", now=timezone.now())
    with override_settings(
        FACEAUTH_RATE_LIMITS={"unsuccessful": ["1/h"], "unsuccessful_session": []}
    ):
        start = person.is_asked()
        limits.count_attempt(person.challenge, now=timezone.now())
        assert person.presses(start).status_code == 429

    assert scrape("challenges_revoked_total") == 1
    assert scrape("starts_limited_total", scope="user") == 1
    assert scrape("starts_limited_total", scope="site") == 0


def test_everything_that_is_counted_is_exported():
    """Each call of `metrics.count()` in the package has its entry, and each entry its counter."""
    counted = {
        name.partition(".")[0]
        for path in Path(django_faceauth.__file__).parent.rglob("*.py")
        for name in counted_in(ast.parse(path.read_text()))
    }

    assert counted == set(metrics.COUNTERS) == set(prometheus.COUNTERS)
    labelled = {kind for kind, (_name, label, _text) in prometheus.COUNTERS.items() if label}
    assert labelled == {kind for kind, words in metrics.COUNTERS.items() if words}


def counted_in(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "metrics.count":
            (name,) = node.args
            yield ast.literal_eval(name) if isinstance(name, ast.Constant) else name.values[0].value


# -- several processes


WORKER = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()
from django_faceauth import metrics, prometheus
prometheus.register()
for _ in range({times}):
    metrics.count("webhook_rejected.no_match")
"""


def test_counters_of_several_processes_are_added_up(tmp_path):
    """As the client library does it, with a directory that all of them share."""
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for times in (2, 3):
        subprocess.run([sys.executable, "-c", WORKER.format(times=times)], check=True, env=env)
    page = (
        "from prometheus_client import CollectorRegistry, generate_latest\n"
        "from prometheus_client.multiprocess import MultiProcessCollector\n"
        "registry = CollectorRegistry()\n"
        "MultiProcessCollector(registry)\n"
        "print(generate_latest(registry).decode())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", page], check=True, env=env, capture_output=True, text=True
    )

    assert 'faceauth_webhook_rejected_total{reason="no_match"} 5.0' in told.stdout
