"""Checks of the running site, for `faceauth_doctor`.

Each function checks one thing and yields its results, good or bad. Nothing is created,
here or at the provider, and no text holds a secret.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.checks import ERROR, WARNING, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseTrouble
from django.db.migrations.executor import MigrationExecutor
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from django_faceauth import clocks
from django_faceauth.conf import PREFIX, conf
from django_faceauth.durations import in_words
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    MalformedAnswer,
    ProviderError,
    Rejected,
    Unavailable,
)
from django_faceauth.models import FaceAuthentication, ProviderRateLimit, WebhookEvent, database
from django_faceauth.provider.factory import get_client, get_workflows_client
from django_faceauth.provider.resources import WebhookAction, WorkflowSnapshot
from django_faceauth.services.background import sweep
from django_faceauth.services.monitoring import health, observations, workflow
from django_faceauth.services.monitoring.health import OVERDUE, Health
from django_faceauth.services.monitoring.observations import Observation
from django_faceauth.statuses import DECIDED

if TYPE_CHECKING:
    from django_faceauth.provider.workflows import WorkflowsClient

#: The tag of our system checks, and the label of our tables.
LABEL: Final = "faceauth"
#: The end of ids of the right shape that the provider has never given.
UNKNOWN: Final = "a" * 26
#: A webhook that has not come by now is late.
WEBHOOK_LATE: Final = timedelta(minutes=10)


class Level(StrEnum):
    """Severity of a result."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was checked: its state in plain words, and what to do about it.

    `id` is that of the system check, or one word for what was checked.
    """

    level: Level
    id: str
    text: str
    fix: str = ""

    def __str__(self) -> str:
        """Return the result on one line."""
        line = f"{self.level:<8} {self.id}: {self.text} {self.fix}"
        return " ".join(line.splitlines()).rstrip()


Results = Iterator[CheckResult]
ok = partial(CheckResult, Level.OK)
warning = partial(CheckResult, Level.WARNING)
problem = partial(CheckResult, Level.PROBLEM)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence logs and warnings in this process, so that only results are printed."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def examine(
    *,
    now: datetime,
    network: bool = True,
    deploy: bool = True,
    find_tasks: Callable[[], ModuleType | None],
) -> Results:
    """Check everything; without `network`, call neither the provider nor the runner.

    With `deploy`, run the system checks that are for deployments, too. `find_tasks` returns
    the tasks of the site's runner.
    """
    yield from check_settings(deploy=deploy)
    yield check_sessions()
    if network:
        with suppress(ConfigurationError):  # the system checks say so
            yield from check_provider()
        with suppress(ConfigurationError, NoReverseMatch):
            yield from check_workflow_of_site()
        yield check_runner(find_tasks)
    try:
        with suppress(ConfigurationError):
            yield from check_tables(now)
    except (DatabaseTrouble, ImproperlyConfigured) as trouble:
        text = _("The database cannot be read: %s.") % type(trouble).__name__
        yield problem("database", text, _("Start it, or correct DATABASES."))


def check_settings(*, deploy: bool) -> Results:
    """Run our system checks; with `deploy`, those of `check --deploy` too."""
    messages = run_checks(tags=[LABEL], include_deployment_checks=deploy)
    shown = [message for message in messages if not message.is_silenced()]
    for message in shown:
        level = Level.WARNING if message.level >= WARNING else Level.OK
        level = Level.PROBLEM if message.level >= ERROR else level
        yield CheckResult(level, message.id or LABEL, message.msg, message.hint or "")
    if not shown:
        yield ok("settings", _("The system checks found no problems."))


def check_sessions() -> CheckResult:
    """Check that the session engine can be used, and its cache, if it has one."""
    engine = settings.SESSION_ENGINE
    try:
        with suppress(DatabaseTrouble):  # is reported for all tables
            import_module(engine).SessionStore().exists("0" * 32)
    except Exception:  # each cache fails in its own way
        fix = _("Correct SESSION_ENGINE, or the cache that it uses.")
        return problem("sessions", _("The session engine %s cannot be used.") % engine, fix)
    return ok("sessions", _("Sessions are stored by %s.") % engine)


def check_provider() -> Results:
    """Request a new OAuth token, if one is used, and an authentication that does not exist."""
    client = get_client()
    if conf.OAUTH_CLIENT_ID:
        try:
            client.renew_token()
        except ProviderError as error:
            yield _provider_problem("token", error, "TOKEN_URL")
            return
        yield ok("token", _("A new token was issued."))
    if trouble := _probe(client.get_authentication, f"fav_{UNKNOWN}"):
        yield _provider_problem("provider", trouble, "BASE_URL")
    else:
        yield ok("provider", _("The provider answers, and accepts the credentials."))


def _probe(get: Callable[[str], object], unknown_id: str) -> ProviderError | None:
    """Return what is not the provider's answer to an unknown id: a 404 with a request id."""
    try:
        get(unknown_id)
    except ProviderError as error:
        return None if error.status_code == 404 and error.request_id else error
    return MalformedAnswer("probe", cause="unknown id accepted")


def _is_denied(error: ProviderError) -> bool:
    """Return whether the credentials were rejected, which OAuth servers also do by a 400."""
    if error.operation == "token":
        return isinstance(error, AccessDenied | Rejected)
    return isinstance(error, AccessDenied) and bool(error.request_id)  # else a firewall's


def _provider_problem(about: str, error: ProviderError, url: str) -> CheckResult:
    setting = f"{PREFIX}{url}"
    if isinstance(error, Unavailable):
        if error.status_code is not None:
            fix = _("Run this again later; if it stays so, check %s.") % setting
            return warning(about, _("The server asks to come back later: %s.") % error, fix)
        fix = _("Check that this machine may call %s.") % getattr(conf, url)
        return problem(about, _("The provider cannot be reached: %s.") % error, fix)
    if _is_denied(error):
        fix = _("Compare the credentials with the dashboard’s, and check %s.")
        fix %= f"{PREFIX}ENVIRONMENT, {setting}"
        return problem(about, _("The credentials are not accepted: %s.") % error, fix)
    fix = _("Check that %s is the provider’s, and that no proxy or firewall answers.") % setting
    return problem(about, _("This is not how the provider answers: %s.") % error, fix)


def check_workflow_of_site() -> Results:
    """Compare the workflow of the account with the settings, if there is to be one."""
    # Without keys, the system checks say so; a simulator with the URL needs no workflow.
    if not (conf.WEBHOOK_SECRET_KEYS and conf.SITE_URL) or conf.SIMULATOR_WEBHOOK_URL:
        return
    try:
        yield from check_workflow(get_workflows_client(), workflow.webhook_url())
    except ProviderError as error:
        # A client without the scope is refused a token, or with it.
        if _is_denied(error):
            good = _("The workflow was not checked: the credentials are not for workflows.")
            yield ok("workflow", good)
        else:
            found = _provider_problem("workflow", error, "WORKFLOWS_URL")
            yield replace(found, level=Level.WARNING)


def check_workflow(client: WorkflowsClient, url: str) -> Results:
    """Compare the workflows that send webhooks to `url` with the settings."""
    if trouble := _probe(client.get_workflow, f"wf_{UNKNOWN}"):
        raise trouble
    different = partial(warning, "workflow")
    ours, others = workflow.find(client, url)
    missing = {name for names in workflow.used_events(client).values() for name in names}
    if not ours:
        fix = _("Run manage.py faceauth_workflow create.")
        yield different(_("No workflow sends webhooks to %s.") % url, fix)
    for each in others if not ours else ():
        if missing & each.event_types:
            text = _("Workflow %s sends events of face checks to another URL.") % each.id
            yield different(text, _("Correct the URL, if it is to be that of this site."))
    for each in ours:
        missing -= each.event_types
        if not each.is_active:
            fix = _("Activate it in the provider’s dashboard.")
            yield different(_("Workflow %s is not active.") % each.id, fix)
        if each.others:
            text = _("Workflow %(id)s also has: %(types)s.")
            fix = _("Check in the provider’s dashboard that it keeps no events back.")
            yield different(text % {"id": each.id, "types": ", ".join(each.others)}, fix)
        yield from _check_webhook(each, workflow.webhook_to(url, each))
    if ours and missing:
        fix = _("Add them in the provider’s dashboard, or remove the workflow and create it again.")
        yield different(_("Events are not sent: %s.") % ", ".join(sorted(missing)), fix)


def _check_webhook(each: WorkflowSnapshot, webhook: WebhookAction) -> Results:
    number = workflow.number_of(webhook.key)
    fix = _("Run manage.py faceauth_workflow rotate --to %d.") % (number or 1)
    if number is not None:
        good = _("Workflow %(id)s signs webhooks with key %(number)d.")
        yield ok("workflow", good % {"id": each.id, "number": number})
    elif webhook.key is None:
        yield warning("workflow", _("Workflow %s does not sign webhooks.") % each.id, fix)
    elif workflow.is_hidden(webhook.key):
        good = _("Workflow %s signs webhooks; the provider does not show with which key.")
        yield ok("workflow", good % each.id, _("To try it, run manage.py faceauth_workflow test."))
    else:
        text = _("Workflow %s signs webhooks with a key that is not in the settings.")
        yield warning("workflow", text % each.id, fix)
    for name, value in workflow.headers().items():
        sent = webhook.headers.get(name)
        if sent != value and not (sent and workflow.is_hidden(sent)):
            text = _("Workflow %(id)s does not send the header %(name)s of the settings.")
            yield warning("workflow", text % {"id": each.id, "name": name}, fix)


def check_runner(find_tasks: Callable[[], ModuleType | None]) -> CheckResult:
    """Say which runner the site has, and connect to its queue."""
    try:
        tasks = find_tasks()
        if tasks is None:
            return ok("runner", _("Web processes handle events and mails."))
        tasks.reach()
    except Exception as error:  # each broker fails in its own way, and may name its URL
        text = _("The runner cannot be reached: %s.") % type(error).__name__
        return problem("runner", text, _("Start its broker or database, or correct its settings."))
    return ok("runner", _("The runner is %s, and its queue answers.") % conf.RUNNER)


def check_tables(now: datetime) -> Results:
    """Check that the database is migrated, and if so its rows."""
    executor = MigrationExecutor(database.connection())
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes(LABEL))
    if missing:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _back in missing)
        yield problem("migrations", _("Not applied: %s.") % names, _("Run manage.py migrate."))
    else:
        yield ok("migrations", _("All migrations are applied."))
        report = health.report(now=now)
        yield from check_work(report, now)
        if conf.WEBHOOK_SECRET_KEYS:  # else the system checks say so
            yield check_webhooks(report, now)
        yield from check_observations(now)
        yield from check_clock()
        yield from check_erasures(report)


def check_work(report: Health, now: datetime) -> Results:
    if report.pause == ProviderRateLimit.Pause.NO_ACCESS:
        text = _("Polling is stopped: the provider did not accept the credentials.")
        yield problem("pause", text, _("Correct them; polling resumes by itself."))
    elif report.pause:
        text = _("Polling is paused: the provider asked to come back later.")
        yield warning("pause", text, _("Nothing needs to be done, unless it stays so."))
    good = _("Waiting events: %(backlog)d, for up to %(oldest)s. Polls are up to %(late)s late.")
    oldest, late = in_words(report.oldest_event), in_words(report.overdue)
    yield ok("work", good % {"backlog": report.backlog, "oldest": oldest, "late": late})
    if report.stuck:
        text = _("Faces that were captured, and not compared for too long: %d.")
        yield warning("stuck", text % report.stuck, _("Ask the support of the provider."))
    if report.unknown_statuses:
        text = _("Face checks in a status that this version does not know: %d.")
        yield warning("statuses", text % report.unknown_statuses, _("Update django-faceauth."))
    is_late = not report.pause and not report.is_swept
    if is_late or sweep.has_overdue_work(now=now - OVERDUE):
        fix = _("Run manage.py faceauth_sync --watch, or a Celery worker and beat.")
        yield problem("sweeps", _("Background work is overdue."), fix)
    else:
        yield ok("sweeps", _("No background work is overdue."))


def check_webhooks(report: Health, now: datetime) -> CheckResult:
    decided = FaceAuthentication.objects.filter(
        status__in=DECIDED, environment=conf.ENVIRONMENT, created_at__lt=now - WEBHOOK_LATE
    )
    text = _("No webhook has ever arrived.")
    if report.newest_event is not None:
        text = _("The last webhook arrived %s ago.") % in_words(report.newest_event)
        decided = decided.filter(created_at__gt=now - report.newest_event)
    if decided.exists():
        fix = _("Faces were compared meanwhile: run manage.py faceauth_workflow check.")
        return warning("webhooks", text, fix)
    return ok("webhooks", text)


def check_observations(now: datetime) -> Results:
    if moment := observations.last(Observation.WEBHOOK_WITHOUT_LENGTH):
        text = _("A webhook without Content-Length was refused with 411 %s ago.")
        fix = _("Use a server such as gunicorn, or have the proxy buffer request bodies.")
        yield warning("webhook_length", text % in_words(now - moment), fix)
    if moment := observations.last(Observation.PLAIN_RETURN_URL):
        text = _("%s ago, a face check was started over HTTPS with a return URL of plain HTTP.")
        fix = _("Set SECURE_PROXY_SSL_HEADER to the header of the proxy that terminates TLS.")
        yield warning("return_url", text % in_words(now - moment), fix)


def check_clock() -> Results:
    newest = WebhookEvent.objects.order_by("-received_at").first()
    if newest is None or newest.created_on is None:
        return
    early = newest.created_on - newest.received_at
    if early > clocks.ALLOWED_SKEW:
        text = _("The last webhook arrived %s before it was created.") % in_words(early)
        yield warning("clock", text, _("Set the clock of this machine."))
    else:
        yield ok("clock", _("The clock agrees with that of the provider."))


def check_erasures(report: Health) -> Results:
    if report.erasures_refused:
        text = _("Erasure requests that the provider rejected: %d.")
        fix = _("See the erasure tasks in the admin, and ask the support of the provider.")
        yield problem("erasures", text % report.erasures_refused, fix)
    if report.erasure_overdue >= OVERDUE:
        text = _("An erasure is overdue by %s.") % in_words(report.erasure_overdue)
        fix = _("Run manage.py faceauth_sync --watch, or a Celery worker and beat.")
        yield problem("erasures", text, fix)
    elif not report.erasures_refused:
        yield ok("erasures", _("No erasure is overdue."))
