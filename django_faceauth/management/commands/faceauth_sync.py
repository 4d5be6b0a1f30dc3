"""Process due background work, once or until stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseTrouble
from django.db import connections
from django.utils import timezone
from django.utils.translation import gettext as _

from django_faceauth.beat import SWEEP_INTERVAL
from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.management import progress
from django_faceauth.management.arguments import moment
from django_faceauth.services import unexpected_errors
from django_faceauth.services.background import sweep, webhook_events
from django_faceauth.services.monitoring import health

Work = Callable[..., object]


class Command(BaseCommand):
    """Sweeps: due webhook events, due polls, expired challenges.

    Sites with Celery have `django_faceauth.tasks.sweep` in their beat schedule instead.
    """

    help = "Processes due background work: webhook events, polls, expired challenges."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="go on until stopped")
        parser.add_argument(
            "--since",
            type=moment,
            help="first make everything due that was created since: 90m, 6h, 2d or a date",
        )
        parser.add_argument(
            "--threads",
            type=int,
            default=4,
            help="concurrent requests (4); with 1, all work stays in this thread",
        )
        parser.add_argument(
            "--health", action="store_true", help="only print the health; exit with 1 if it is bad"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["health"]:
            report = health.report(now=timezone.now())
            for name, value in report._asdict().items():
                self.stdout.write(f"{name}: {'' if value is None else value}")
            if not report.is_good:
                raise CommandError(" ".join([_("Health check failed:"), *report.troubles()]))
            return
        made_due = 0
        if options["since"]:
            made_due = sweep.make_due(since=options["since"])
            self.stdout.write(_("made due: %d") % made_due)
        with ThreadPoolExecutor(max(1, options["threads"])) as pool:
            # What belongs to this thread, such as the tenant of django-tenants, is not
            # known in others.
            threads = pool if options["threads"] > 1 else None
            if options["watch"]:
                self._watch(threads)
                return
            with progress.bar(made_due, "rows") as step:
                while done := self._sweep(threads, Event()):
                    step(done)

    def _watch(self, threads: ThreadPoolExecutor | None) -> None:
        stop = Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        while not stop.is_set():
            try:
                self._sweep(threads, stop)
            except (DatabaseTrouble, ConfigurationError) as trouble:
                # It may be back for the next sweep; what was due still is.
                self.stderr.write(type(trouble).__name__)
                connections.close_all()
            except Exception as error:
                unexpected_errors.note(error, "sweep")
                self.stderr.write(type(error).__name__)
            stop.wait(SWEEP_INTERVAL)

    def _sweep(self, threads: ThreadPoolExecutor | None, stop: Event) -> int:
        """Do the due work, in this thread or in others, until `stop` is set; count the jobs."""
        now = timezone.now()
        due = sweep.claim_due(now=now)
        closed = sweep.close_expired(now=now)
        work: list[Work] = [partial(webhook_events.process, pk) for pk in due.events]
        work += [partial(sweep.poll, pk) for pk in due.authentications]
        if work or closed:
            counts = len(due.events), len(due.authentications), closed
            self.stdout.write(_("events: %d, polls: %d, closed: %d") % counts)
        done, futures = 0, []
        for job in work:
            if stop.wait(1 / conf.POLL_RATE):  # no faster than the poll rate
                break
            done += 1
            if threads is None:
                job(now=timezone.now())
            else:
                futures.append(threads.submit(_run_and_close, job))
        for future in futures:
            future.result()
        return done


def _run_and_close(job: Work) -> None:
    try:
        job(now=timezone.now())
    finally:
        connections.close_all()
