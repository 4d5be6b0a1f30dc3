"""What is wrong with this site, as far as it can find out itself: for `faceauth_doctor`.

Each function looks at one thing and yields what it found, good or bad. Nothing is created,
here or at the provider, and no text holds a secret (P-05).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import Final

from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import ERROR, WARNING, run_checks
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    NotFound,
    ProviderError,
    Rejected,
    Unavailable,
)
from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.provider.client import Client
from django_faceauth.provider.factory import get_client
from django_faceauth.services import audit, health, inbox, sweep
from django_faceauth.statuses import DECIDED

#: The tag of our system checks, and the label of our tables.
LABEL: Final = "faceauth"
#: An id of the right shape that the provider has never given.
NOBODY: Final = "fav_" + "0" * 26
#: Imported when it is needed: Celery is heavy, and many sites have none.
REACH_BROKER: Final = "django_faceauth.tasks.reach_broker"
#: Session engines that read a cache, and caches that each process has for itself.
CACHED: Final = frozenset(
    {"django.contrib.sessions.backends.cache", "django.contrib.sessions.backends.cached_db"}
)
PRIVATE: Final = (DummyCache, LocMemCache)
#: A webhook that has not come by now is late.
WEBHOOK_LATE: Final = timedelta(minutes=10)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, in plain words, and what to do about it.

    `id` is that of the system check, or one word for what was looked at.
    """

    level: Level
    id: str
    text: str
    fix: str = ""


Findings = Iterator[Finding]
_ok, _warning = partial(Finding, Level.OK), partial(Finding, Level.WARNING)
_problem = partial(Finding, Level.PROBLEM)


def examine(*, now: datetime, network: bool = True) -> Findings:
    """Look at everything; without `network`, call neither the provider nor the broker."""
    yield from of_settings()
    yield from of_sessions()
    if network:
        yield from _unless_misconfigured(of_provider())
        yield from of_broker()
    tables = list(of_tables())
    yield from tables
    if any(finding.level is Level.PROBLEM for finding in tables):
        return  # there are no rows to look at
    yield from _unless_misconfigured(of_rows(now=now))
    yield from of_log()


def of_settings() -> Findings:
    """Run our system checks, those of `check --deploy` too."""
    said = run_checks(tags=[LABEL], include_deployment_checks=True)
    heard = [message for message in said if not message.is_silenced()]
    for message in heard:
        level = _level(message.level)
        yield Finding(level, message.id or LABEL, message.msg, message.hint or "")
    if not heard:
        yield _ok("settings", _("The system checks have nothing to say."))


def of_sessions() -> Findings:
    """See whether all processes of the site share their sessions."""
    engine = conf.SESSION_ENGINE
    try:
        import_module(engine)
        is_private = engine in CACHED and isinstance(caches[conf.SESSION_CACHE_ALIAS], PRIVATE)
    except (ImportError, InvalidCacheBackendError):
        fix = _("Correct SESSION_ENGINE, or the cache that it uses.")
        yield _problem("sessions", _("The session engine %s cannot be used.") % engine, fix)
        return
    if is_private:
        text = _("Sessions are in a cache that each process has for itself.")
        yield _warning("sessions", text, _("Use a cache server, or another SESSION_ENGINE."))
        return
    yield _ok("sessions", _("Sessions are kept by %s.") % engine)


def of_provider() -> Findings:
    """Ask the provider about something that it cannot know: 404 is what we want to hear."""
    client = get_client()
    if conf.OAUTH_CLIENT_ID:
        trouble = _trouble_of(client.renew_token)
        if trouble is not None:
            yield _explained("token", trouble, is_denied=isinstance(trouble, Rejected))
            return
        yield _ok("token", _("The provider gave a new token."))
    yield _answer_of(client)


def of_broker() -> Findings:
    """Connect to the broker of Celery, on sites that have one."""
    if not conf.CELERY:
        return
    try:
        import_string(REACH_BROKER)()
    except Exception as error:  # each broker fails in its own way, and may tell its address
        text = _("The broker of Celery cannot be reached: %s.") % type(error).__name__
        yield _problem("broker", text, _("Start it, or correct its address. Sweeps make up."))
        return
    yield _ok("broker", _("The broker of Celery answers."))


def of_tables() -> Findings:
    """See whether the database is there, and as this version of the package wants it."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes(LABEL))
    except DatabaseTrouble as trouble:
        text = _("The database cannot be read: %s.") % type(trouble).__name__
        yield _problem("database", text, _("Start it, or correct DATABASES."))
        return
    if missing:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _back in missing)
        yield _problem("migrations", _("Not applied: %s.") % names, _("Run manage.py migrate."))
        return
    yield _ok("migrations", _("All migrations are applied."))


def of_rows(*, now: datetime) -> Findings:
    """See what waits, and what came."""
    found = health.report(now=now)
    yield from _of_pause(found)
    yield from _of_work(found)
    yield from _of_sweeps(found, now)
    yield from _of_webhooks(found, now)
    yield from _of_clock()
    yield from _of_erasures(found)


def of_log() -> Findings:
    """See whether the audit log is whole."""
    verified = audit.verify()
    if verified.is_whole:
        yield _ok("audit", _("The audit log is whole: %d entries.") % verified.count)
        return
    text = _("The audit log was changed, at entry %d.") % (verified.first_break or 0)
    yield _problem("audit", text, _("Find out who can write to the database; keep a copy."))


def _unless_misconfigured(findings: Findings) -> Findings:
    with suppress(ConfigurationError):  # the system checks say so
        yield from findings


def _level(level: int) -> Level:
    if level >= ERROR:
        return Level.PROBLEM
    return Level.WARNING if level >= WARNING else Level.OK


def _trouble_of(call: Callable[[], object]) -> ProviderError | None:
    try:
        call()
    except ProviderError as error:
        return error
    return None


def _answer_of(client: Client) -> Finding:
    trouble = _trouble_of(partial(client.get_authentication, NOBODY))
    if trouble is None or isinstance(trouble, NotFound | Rejected):
        return _ok("provider", _("The provider answers, and accepts the credentials."))
    return _explained("provider", trouble)


def _explained(about: str, error: ProviderError, *, is_denied: bool = False) -> Finding:
    if is_denied or isinstance(error, AccessDenied):
        fix = _("Compare the credentials with the dashboard’s, and %sENVIRONMENT.") % PREFIX
        return _problem(about, _("The provider does not accept the credentials: %s.") % error, fix)
    if not isinstance(error, Unavailable):
        fix = _("See whether %sBASE_URL leads to the provider, without a proxy.") % PREFIX
        return _problem(about, _("Something else answers: %s.") % error, fix)
    if error.status_code is not None:
        fix = _("Nothing needs to be done, unless it stays so.")
        return _warning(about, _("The provider asks to come back later: %s.") % error, fix)
    fix = _("See whether this machine may call %s.") % conf.BASE_URL
    return _problem(about, _("The provider cannot be reached: %s.") % error, fix)


def _of_pause(found: health.Health) -> Findings:
    if found.pause == "no_access":
        text = _("Polling is stopped: the provider did not accept the credentials.")
        yield _problem("pause", text, _("Correct them; it goes on by itself."))
    elif found.pause:
        text = _("Polling rests: the provider asked to come back later.")
        yield _warning("pause", text, _("Nothing needs to be done, unless it stays so."))


def _of_work(found: health.Health) -> Findings:
    text = _(
        "%(backlog)d events wait, the oldest for %(oldest)s; the latest poll is %(late)s late."
    )
    oldest, late = health.whole(found.oldest_event), health.whole(found.overdue)
    yield _ok("work", text % {"backlog": found.backlog, "oldest": oldest, "late": late})
    if found.stuck:
        text = _("%d faces were shown, and for too long not compared.") % found.stuck
        yield _warning("stuck", text, _("Ask the provider about them."))
    if found.unknown_statuses:
        text = _("%d face checks have a status that is new to us.") % found.unknown_statuses
        yield _warning("statuses", text, _("See whether there is a newer version."))


def _of_sweeps(found: health.Health, now: datetime) -> Findings:
    is_late = not found.pause and not found.is_swept
    if is_late or sweep.neglected(now=now - health.OVERDUE):
        fix = _("Run manage.py faceauth_sync --watch, or a Celery worker and beat.")
        yield _problem("sweeps", _("Nobody sweeps: what is due waits."), fix)
    else:
        yield _ok("sweeps", _("Nothing that a sweep would have done is left."))


def _of_webhooks(found: health.Health, now: datetime) -> Findings:
    if not conf.WEBHOOK_SECRET_KEYS:
        return  # the system checks say so
    decided = FaceAuthentication.objects.filter(
        status__in=DECIDED, environment=conf.ENVIRONMENT, created_at__lt=now - WEBHOOK_LATE
    )
    if found.newest_event is None:
        text, untold = _("No webhook has ever come."), decided
    else:
        text = _("The last webhook came %s ago.") % health.whole(found.newest_event)
        untold = decided.filter(created_at__gt=now - found.newest_event)
    if untold.exists():
        fix = _("Faces were compared since: look at the workflow in the provider’s dashboard.")
        yield _warning("webhooks", text, fix)
    else:
        yield _ok("webhooks", text)


def _of_clock() -> Findings:
    newest = WebhookEvent.objects.order_by("-received_at").first()
    if newest is None or newest.created_on is None:
        return
    early = newest.created_on - newest.received_at
    if early > inbox.THEIR_CLOCK:
        text = _("The last webhook came %s before it was made.") % health.whole(early)
        yield _warning("clock", text, _("Set the clock of this machine."))
    else:
        yield _ok("clock", _("The last webhook came after it was made, as far as clocks tell."))


def _of_erasures(found: health.Health) -> Findings:
    if found.erasures_refused:
        text = _("The provider refused to forget %d face checks.") % found.erasures_refused
        yield _problem("erasures", text, _("Look at the erasure tasks, and ask the provider."))
    if found.erasure_overdue >= health.OVERDUE:
        text = _("What was to be forgotten is late by %s.") % health.whole(found.erasure_overdue)
        yield _problem("erasures", text, _("See whether somebody sweeps."))
    if not found.erasures_refused and found.erasure_overdue < health.OVERDUE:
        yield _ok("erasures", _("Nothing that was to be forgotten is late."))
