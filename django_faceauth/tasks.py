"""Celery tasks, for sites with `FACEAUTH_RUNNER = "celery"`.

Tasks are acknowledged late and may run twice, also at once: each finds out from the
database what is left to do. One that is lost is found again by `sweep`.

`django_faceauth.beat` has the schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, ParamSpec

from celery import Celery, Task, shared_task
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from kombu import Connection
from kombu.pools import ProducerPool, producers

from django_faceauth.beat import FACEAUTH_BEAT_SCHEDULE
from django_faceauth.conf import conf
from django_faceauth.services import notifications
from django_faceauth.services.background import sweep as background
from django_faceauth.services.background import webhook_events
from django_faceauth.services.privacy import retention

__all__ = [
    "FACEAUTH_BEAT_SCHEDULE",
    "process_event",
    "purge",
    "send_mail",
    "sweep",
    "sync_authentication",
]

#: A wait longer than this is left to the sweep, so that brokers keep no tasks for long.
LONGEST_COUNTDOWN: Final = 60.0

#: Seconds that a web request waits for the broker; after that the sweep takes care.
BROKER_TIMEOUT: Final = 0.5
#: For the connections of web requests, on top of the site's own options: try at once or not at
#: all. `apply_async(retry=False)` alone still connects again and again, some brokers for ever.
FAIL_FAST: Final[dict[str, Any]] = {
    "max_retries": 0,
    "socket_connect_timeout": BROKER_TIMEOUT,  # Redis
    "socket_timeout": BROKER_TIMEOUT,
    "read_timeout": BROKER_TIMEOUT,  # RabbitMQ
    "write_timeout": BROKER_TIMEOUT,
}

#: Lost workers and a database that was away cost nothing but time.
OPTIONS: Final[dict[str, Any]] = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "ignore_result": True,
    "autoretry_for": (OperationalError, InterfaceError),
    "retry_backoff": True,
    "retry_backoff_max": 60,
    "retry_jitter": True,
    "max_retries": 5,
}


Arguments = ParamSpec("Arguments")


def task(work: Callable[Arguments, None]) -> Task[Arguments, None]:
    """Register a function as a task of the site's Celery app."""
    registered: Task[Arguments, None] = shared_task(**OPTIONS)(work)
    return registered


@task
def process_event(pk: int) -> None:
    """Act on the webhook event with that primary key."""
    due_at = webhook_events.process(pk, now=timezone.now())
    if due_at is None or process_event.app.conf.task_always_eager:
        return  # an eager task cannot wait: the sweep takes care
    wait = (due_at - timezone.now()).total_seconds()
    if wait <= LONGEST_COUNTDOWN:
        process_event.apply_async((pk,), countdown=max(wait, 0.0))


@task
def sync_authentication(pk: int) -> None:
    """Poll the authentication with that primary key."""
    background.poll(pk, now=timezone.now())


@task
def sweep() -> None:
    """Send a task for everything that is due, and close what has expired."""
    now = timezone.now()
    due = background.claim_due(now=now)
    work = [(process_event, pk) for pk in due.events]
    work += [(sync_authentication, pk) for pk in due.authentications]
    try:
        for number, (due_task, pk) in enumerate(work):
            # Spread out, so that the rate limit has room for each when its turn comes.
            due_task.apply_async((pk,), countdown=number / conf.POLL_RATE)
    finally:  # also when the broker is away
        background.close_expired(now=now)


@task
def send_mail(name: str, pk: Any) -> None:
    """Send the mail of that name about the row with that primary key."""
    notifications.send(name, pk)


@task
def purge() -> None:
    """Delete rows whose retention is over."""
    retention.purge(now=timezone.now())


def hand_over(task: Task[..., None], *arguments: Any) -> None:
    """Send a task to a worker; raises within a second when the broker is away."""
    with _producers(task.app).acquire(block=True) as producer:
        task.apply_async(arguments, producer=producer, retry=False)


def reach() -> None:
    """Connect to the broker and hang up; raises soon when it is away."""
    with _broker(process_event.app) as broker:
        broker.connect()


@lru_cache(maxsize=1)
def _producers(app: Celery) -> ProducerPool:
    pool: ProducerPool = producers[_broker(app)]
    return pool


def _broker(app: Celery) -> Connection:
    options = {**app.conf.broker_transport_options, **FAIL_FAST}
    return app.connection_for_write(connect_timeout=BROKER_TIMEOUT, transport_options=options)
