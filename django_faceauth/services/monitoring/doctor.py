"""What is wrong with this site, as far as it can find out itself: for `faceauth_doctor`.

Each function looks at one thing and yields what it found, good or bad. Nothing is created,
here or at the provider, and no text holds a secret (P-05).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import InvalidCacheBackendError
from django.core.checks import ERROR, WARNING, run_checks
from django.db import Error as DatabaseTrouble
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    MalformedAnswer,
    NotFound,
    ProviderError,
    Rejected,
    Unavailable,
)
from django_faceauth.models import database
from django_faceauth.provider.factory import get_client
from django_faceauth.services.monitoring import symptoms
from django_faceauth.services.monitoring.findings import (
    CheckResult,
    Findings,
    Level,
    ok,
    problem,
    warning,
)

if TYPE_CHECKING:
    from django_faceauth.provider.client import Client

#: The tag of our system checks, and the label of our tables.
LABEL: Final = "faceauth"
#: An id of the right shape that the provider has never given.
NOBODY: Final = "fav_" + "0" * 26
#: Imported when it is needed: Celery is heavy, and many sites have none.
REACH_BROKER: Final = "django_faceauth.tasks.reach_broker"


def examine(*, now: datetime, network: bool = True, deploy: bool = True) -> Findings:
    """Look at everything; without `network`, call neither the provider nor the broker.

    With `deploy`, run the system checks that are for deployments, too.
    """
    yield from of_settings(deploy=deploy)
    yield from of_sessions()
    if network:
        yield from _unless_misconfigured(of_provider())
        yield from of_broker()
    tables = list(of_tables())
    yield from tables
    if any(finding.level is Level.PROBLEM for finding in tables):
        return  # there are no rows to look at
    yield from _unless_misconfigured(symptoms.of_rows(now=now))


def of_settings(*, deploy: bool = True) -> Findings:
    """Run our system checks; with `deploy`, those of `check --deploy` too."""
    said = run_checks(tags=[LABEL], include_deployment_checks=deploy)
    heard = [message for message in said if not message.is_silenced()]
    for message in heard:
        level = _level(message.level)
        yield CheckResult(level, message.id or LABEL, message.msg, message.hint or "")
    if not heard:
        yield ok("settings", _("The system checks have nothing to say."))


def of_sessions() -> Findings:
    """See whether sessions can be kept at all."""
    engine = settings.SESSION_ENGINE
    try:
        import_module(engine).SessionStore()  # asks for its cache, if it has one
    except (ImportError, AttributeError, InvalidCacheBackendError):
        fix = _("Correct SESSION_ENGINE, or the cache that it uses.")
        yield problem("sessions", _("The session engine %s cannot be used.") % engine, fix)
        return
    yield ok("sessions", _("Sessions are kept by %s.") % engine)


def of_provider() -> Findings:
    """Ask the provider about something that it cannot know: 404 is what we want to hear."""
    client = get_client()
    if conf.OAUTH_CLIENT_ID:
        trouble = _trouble_of(client.renew_token)
        if trouble is not None:
            yield _explained("token", trouble, is_denied=isinstance(trouble, Rejected))
            return
        yield ok("token", _("The provider gave a new token."))
    yield _answer_of(client)


def of_broker() -> Findings:
    """Connect to the broker of Celery, on sites that have one."""
    if not conf.CELERY:
        return
    try:
        import_string(REACH_BROKER)()
    except Exception as error:  # each broker fails in its own way, and may tell its address
        text = _("The broker of Celery cannot be reached: %s.") % type(error).__name__
        yield problem("broker", text, _("Start it, or correct its address."))
        return
    yield ok("broker", _("The broker of Celery answers."))


def of_tables() -> Findings:
    """See whether the database is there, and as this version of the package wants it."""
    try:
        executor = MigrationExecutor(database.connection())
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes(LABEL))
    except DatabaseTrouble as trouble:
        text = _("The database cannot be read: %s.") % type(trouble).__name__
        yield problem("database", text, _("Start it, or correct DATABASES."))
        return
    if missing:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _back in missing)
        yield problem("migrations", _("Not applied: %s.") % names, _("Run manage.py migrate."))
        return
    yield ok("migrations", _("All migrations are applied."))


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


def _answer_of(client: Client) -> CheckResult:
    trouble = _trouble_of(partial(client.get_authentication, NOBODY))
    if trouble is None:  # there is no such thing to be found
        trouble = MalformedAnswer("get_authentication", status_code=200)
    # Anything at that address may say 404; the provider numbers its answers, or gives codes.
    is_the_provider = trouble.request_id or trouble.codes
    if isinstance(trouble, NotFound | Rejected) and is_the_provider:
        return ok("provider", _("The provider answers, and accepts the credentials."))
    return _explained("provider", trouble)


def _explained(about: str, error: ProviderError, *, is_denied: bool = False) -> CheckResult:
    if is_denied or isinstance(error, AccessDenied):
        fix = _("Compare the credentials with the dashboard’s, and %sENVIRONMENT.") % PREFIX
        return problem(about, _("The provider does not accept the credentials: %s.") % error, fix)
    if not isinstance(error, Unavailable):
        fix = _("See whether %sBASE_URL leads to the provider, without a proxy.") % PREFIX
        return problem(about, _("Something else answers: %s.") % error, fix)
    if error.status_code is not None:
        fix = _("Nothing needs to be done, unless it stays so.")
        return warning(about, _("The provider asks to come back later: %s.") % error, fix)
    fix = _("See whether this machine may call %s.") % conf.BASE_URL
    return problem(about, _("The provider cannot be reached: %s.") % error, fix)
