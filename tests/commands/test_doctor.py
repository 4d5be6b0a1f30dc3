"""`manage.py faceauth_doctor`."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings
from django.utils import timezone

from django_faceauth.durations import in_words
from django_faceauth.models import Erasure, ErasureTask, FaceAuthentication
from django_faceauth.services.monitoring.doctor import UNKNOWN, Level
from tests.provider.samples import AUTHENTICATION
from tests.provider_double import answers, breaks, works
from tests.server import MANAGE, environment
from tests.sweeping import sweep_once
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.django_db

SECRET = "sk_sbox_canary_of_the_doctor"
SESSIONS = "django.contrib.sessions"
BANK = {"FACEAUTH_SITE_URL": "https://bank.example"}
OAUTH = {
    "FACEAUTH_SECRET_KEY": "",
    "FACEAUTH_OAUTH_CLIENT_ID": "ack_doctor",
    "FACEAUTH_OAUTH_CLIENT_SECRET": SECRET,
}


class Report:
    """The printed text, its levels by check, and those that are not ok."""

    def __init__(self, text, failed):
        self.text, self.failed = text, failed
        lines = [line.split() for line in text.splitlines()]
        assert {level for level, *_rest in lines} <= set(Level), text
        self.levels = [(name.rstrip(":"), level) for level, name, *_rest in lines]
        self.bad = {name for name, level in self.levels if level != "ok"}

    def of(self, name):
        assert [known for known, _level in self.levels].count(name) < 2
        return dict(self.levels).get(name, "")


@pytest.fixture
def doctor(capsys, monkeypatch):
    """The command, where everything is logged to the console."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)

    def doctor(*options):
        capsys.readouterr()
        failed, console = False, logging.StreamHandler(sys.stdout)
        root.addHandler(console)
        try:
            call_command("faceauth_doctor", *options)
        except CommandError:
            failed = True
        finally:
            root.removeHandler(console)
        assert root.isEnabledFor(logging.DEBUG)  # the site logs again
        return Report(capsys.readouterr().out, failed)

    return doctor


def test_a_site_on_which_all_is_well(doctor, person, provider):
    """Nothing is created at the provider."""
    person.passes("/statements/")
    deliver(event(person.authentication))
    person.clock.shift(3)
    sweep_once()

    report = doctor()

    assert (report.bad, report.failed) == (set(), False)
    for name in ("settings", "sessions", "provider", "migrations", "work", "sweeps", "webhooks"):
        assert report.of(name) == "ok", name
    assert provider.calls[-1] == f"GET /face-authentications/fav_{UNKNOWN}"
    assert provider.count("POST /face-authentications") == 2


# -- settings


def test_what_system_checks_say_has_its_id_and_fix_unless_silenced(doctor, settings):
    with override_settings(FACEAUTH_USER_JOURNEY_ID="", FACEAUTH_WEBHOOK_SECRET_KEYS=[]):
        report = doctor()

    assert report.failed
    assert (report.of("faceauth.E004"), report.of("faceauth.W004")) == ("problem", "warning")
    assert "usj_" in report.text
    assert report.of("webhooks") == ""
    silenced = [*settings.SILENCED_SYSTEM_CHECKS, "faceauth.W004"]
    with override_settings(FACEAUTH_WEBHOOK_SECRET_KEYS=[], SILENCED_SYSTEM_CHECKS=silenced):
        assert doctor().bad == set()


def test_checks_of_a_deployment_can_be_run_with_debug(doctor):
    with override_settings(DEBUG=True, ALLOWED_HOSTS=["*"]):
        assert doctor("--no-network").bad == set()
        assert doctor("--no-network", "--deploy").bad == {"faceauth.W013"}


REDIS_IS_DOWN = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": "redis://127.0.0.1:1",
}


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "wrong",
    [
        {"SESSION_ENGINE": "sessions.missing"},
        {"SESSION_ENGINE": SESSIONS},
        {"SESSION_ENGINE": f"{SESSIONS}.backends.cache", "SESSION_CACHE_ALIAS": "none"},
        {"SESSION_ENGINE": f"{SESSIONS}.backends.cache", "CACHES": {"default": REDIS_IS_DOWN}},
    ],
    ids=str,
)
def test_a_session_engine_that_is_not_there(doctor, wrong):
    with override_settings(**wrong):
        report = doctor("--no-network")

    assert (report.of("sessions"), report.failed) == ("problem", True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"FACEAUTH_ENVIRONMENT": "moon"},
        {"FACEAUTH_SECRET_KEY": 7},
        {"FACEAUTH_SECRET_KEY": ""},
        {"FACEAUTH_BASE_URL": "http://example.org"},
        {"FACEAUTH_WEBHOOK_SECRET_KEYS": ["short"]},
        {"FACEAUTH_TIMEOUT": "soon"},
    ],
    ids=str,
)
def test_unusable_settings_do_not_stop_the_other_checks(doctor, person, wrong):
    person.is_handed_over(person.is_asked())

    with override_settings(**wrong):
        report = doctor()

    assert report.failed
    assert [name for name in report.bad if name.startswith("faceauth.E")]
    assert report.of("migrations") == "ok"


# -- the provider

REQUEST_ID = {"Cko-Request-Id": "0f6dc5ab-1f7e"}
PAGE = {"content_type": "text/html"}


def echoes(provider, request):
    """As a server for tests of clients does; it takes the last part of the path for an id."""
    sent = {"id": request.path_url.rpartition("/")[2], "headers": dict(request.headers)}
    return provider.answer(request, 200, json.dumps(sent))


IMPOSTORS = {
    "captive portal": answers(200, "<h1>Log in</h1>", **PAGE),
    "redirect": answers(302, Location="https://portal.example/"),
    "nginx": answers(404, "<h1>404 Not Found</h1>", **PAGE),
    "an empty object": answers(200, "{}"),
    "echo": echoes,
    "another API": answers(404, '{"code": 404, "message": "Not found"}'),
    "error codes": answers(404, '{"error_codes": ["not_found"]}', **{"X-Request-Id": "1"}),
    "Plaid": answers(404, '{"request_id": "1", "error_type": "API", "error_code": "NOT_FOUND"}'),
    "gone": answers(410, "{}", **REQUEST_ID),
}
#: Of a token endpoint, this may be said of the credentials.
DENYING_IMPOSTORS = {
    "another login": answers(401, '{"detail": "Authentication credentials were not provided."}'),
    "firewall": answers(403, "<title>Attention Required! | Cloudflare</title>", **PAGE),
    "bad request": answers(400, '{"error": "bad_request"}'),
    "validation": answers(422, '{"detail": []}'),
}


@pytest.mark.parametrize(
    ("place", "impostor"),
    [
        *[(place, trouble) for place in ("provider", "workflow") for trouble in DENYING_IMPOSTORS],
        *[(place, trouble) for place in ("provider", "workflow", "token") for trouble in IMPOSTORS],
    ],
)
def test_another_server_in_place_of_the_provider(doctor, provider, place, impostor):
    """Any URL without a page answers 404 (F-60)."""
    trouble = (DENYING_IMPOSTORS | IMPOSTORS)[impostor]
    provider.troubles.extend([*([works] if place == "workflow" else []), *[trouble] * 6])

    with override_settings(**BANK, **(OAUTH if place == "token" else {})):
        report = doctor()

    assert report.of(place) == ("warning" if place == "workflow" else "problem")
    assert "This is not how the provider answers" in report.text
    assert ("accepts the credentials" in report.text) == (place == "workflow")
    assert "are not accepted" not in report.text
    assert "faceauth_workflow create" not in report.text


@pytest.mark.parametrize(
    ("troubles", "expected"),
    [
        ([answers(404, **REQUEST_ID)], "ok"),
        ([answers(404, '{"error_codes": ["not_found"]}', **REQUEST_ID)], "ok"),
        *[([answers(status)], "warning") for status in (429, 503)],
        ([breaks()] * 3, "problem"),
        *[([answers(status, **REQUEST_ID)], "problem") for status in (400, 401, 403, 422)],
        # It takes every id, and this one was never given.
        (
            [answers(200, json.dumps(AUTHENTICATION | {"id": f"fav_{UNKNOWN}"}), **REQUEST_ID)],
            "problem",
        ),
    ],
)
def test_an_answer_of_the_provider(doctor, provider, troubles, expected):
    provider.troubles.extend(troubles)

    report = doctor()

    assert report.bad == (set() if expected == "ok" else {"provider"})
    assert (report.of("provider"), report.failed) == (expected, expected == "problem")
    assert ("accepts the credentials" in report.text) == (expected == "ok")


@pytest.mark.parametrize(
    ("troubles", "token", "provider_"),
    [
        ([answers(400, '{"error": "invalid_client"}')], "problem", ""),
        ([answers(401, '{"error": "invalid_client"}')], "problem", ""),
        ([breaks()], "problem", ""),
        ([works, works, answers(403)], "ok", "problem"),
    ],
)
def test_oauth_credentials(doctor, provider, settings, troubles, token, provider_):
    """A new token is requested each time."""
    for name, value in OAUTH.items():
        setattr(settings, name, value)
    provider.troubles.extend(troubles)

    report = doctor()

    assert report.failed
    assert (report.of("token"), report.of("provider")) == (token, provider_)
    requested = provider.count("POST /connect/token")
    provider.troubles.clear()
    report = doctor()
    assert (report.of("token"), report.of("provider")) == ("ok", "ok")
    assert provider.count("POST /connect/token") > requested > 0


def test_without_network_nothing_is_called(doctor, provider):
    with override_settings(**OAUTH, FACEAUTH_RUNNER="celery"):
        report = doctor("--no-network")

    assert provider.calls == []
    assert [report.of(name) for name in ("provider", "token", "runner")] == ["", "", ""]
    assert report.of("migrations") == "ok"


def test_secrets_are_not_told(doctor, provider):
    """P-05: whatever is wrong."""
    keys = {"FACEAUTH_WEBHOOK_SECRET_KEYS": ["canary-of-the-webhooks-of-32-letters"]}
    key = {"FACEAUTH_SECRET_KEY": SECRET}
    texts = []
    for given in (OAUTH, key, OAUTH | key):
        for trouble in (works, answers(401, SECRET), breaks(), answers(500, SECRET)):
            provider.troubles.append(trouble)
            with override_settings(**given, **keys):
                texts.append(doctor().text)
            provider.troubles.clear()

    assert len(set(texts)) > 5
    assert not [text for text in texts if "canary" in text]


# -- the workflow


def test_the_workflow_is_compared_with_the_settings(doctor, capsys):
    with override_settings(**BANK):
        report = doctor()
        assert (report.of("workflow"), report.failed) == ("warning", False)
        assert "faceauth_workflow create" in report.text

        call_command("faceauth_workflow", "create", "--no-input")
        capsys.readouterr()
        report = doctor()
        assert (report.of("workflow"), report.bad) == ("ok", set())


@pytest.mark.parametrize(
    ("given", "trouble", "level"),
    [
        ({}, answers(401, **REQUEST_ID), "ok"),
        ({}, answers(403, **REQUEST_ID), "ok"),
        (OAUTH, answers(400, '{"error": "invalid_scope"}'), "ok"),
        ({}, answers(503), "warning"),
        ({}, breaks(), "warning"),
    ],
)
def test_a_workflow_that_may_not_be_read_is_not_a_problem(doctor, provider, given, trouble, level):
    """Credentials for identities alone are good enough for everything else."""
    calls = [works, works, works] if given else [works]  # two tokens, an unknown id
    provider.troubles.extend([*calls, *[trouble] * 3])

    with override_settings(**BANK, **given):
        report = doctor()

    assert (report.of("workflow"), report.failed) == (level, False)
    assert report.of("provider") == "ok"
    assert ("was not checked" in report.text) == (level == "ok")


@pytest.mark.parametrize(
    "given",
    [
        {"FACEAUTH_SITE_URL": ""},
        {"FACEAUTH_WEBHOOK_SECRET_KEYS": []},
        {"FACEAUTH_SIMULATOR_WEBHOOK_URL": "https://bank.example/face/webhook/"},
        {"ROOT_URLCONF": "django_faceauth.simulator.urls"},
    ],
    ids=str,
)
def test_without_a_webhook_url_or_key_no_workflow_is_expected(doctor, provider, given):
    with override_settings(**{**BANK, **given}):
        assert doctor().of("workflow") == ""

    assert provider.count("GET /workflows") == 0


# -- the runner


@pytest.mark.enable_socket
@pytest.mark.parametrize("is_there", [True, False])
def test_the_broker(doctor, monkeypatch, is_there):
    celery = pytest.importorskip("celery")
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # Celery would prefer it
    url = "memory://" if is_there else "redis://:canary@127.0.0.1:1/0"
    app = celery.Celery("doctor", broker=url, set_as_current=True)
    try:
        with override_settings(FACEAUTH_RUNNER="celery"):
            report = doctor()
    finally:
        app.close()

    assert report.of("runner") == ("ok" if is_there else "problem")
    assert (report.bad, report.failed) == (set() if is_there else {"runner"}, not is_there)
    assert ("ConnectionError" in report.text) != is_there
    assert "canary" not in report.text


def without(table):
    """Return a wrapper of statements, for which a table or, if empty, the database is away."""

    def execute_without(execute, sql, *args):
        if table in sql:
            raise OperationalError("canary")
        return execute(sql, *args)

    return connection.execute_wrapper(execute_without)


def test_the_runner_is_named_and_its_queue_is_tried(doctor):
    table = pytest.importorskip("django_tasks_db.models").DBTaskResult._meta.db_table
    assert "runner: Web processes handle" in doctor().text
    with override_settings(FACEAUTH_RUNNER="tasks"):
        report = doctor()
        assert report.of("runner") == "ok"
        assert "The runner is tasks, and its queue answers." in report.text

        with without(table):
            report = doctor()
        assert (report.bad, report.of("runner")) == ({"runner"}, "problem")


# -- the console

NOISY = """
import logging
import warnings
from django.contrib.sessions.backends import cache
from tests.example.settings import *

FACEAUTH_SIMULATOR_WEBHOOK_URL = ""
FACEAUTH_RUNNER = "celery"
CACHES = {"default": REDIS_IS_DOWN}
SESSION_ENGINE = __name__


class SessionStore(cache.SessionStore):
    def exists(self, key):
        warnings.warn("noise")
        logging.getLogger("shop").critical("noise")
        return super().exists(key)
"""
CONSOLE = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "DEBUG", "handlers": ["console"]},
}


@pytest.mark.parametrize("log", ["", f"LOGGING = {CONSOLE}"], ids=["default", "console"])
def test_the_console_has_the_lines_of_the_doctor_alone(tmp_path, log):
    """Where nothing answers: provider, workflow, broker, cache and database."""
    pytest.importorskip("celery")  # the example has it, and what else it needs
    settings = NOISY.replace("REDIS_IS_DOWN", repr(REDIS_IS_DOWN)) + log
    (tmp_path / "noisy.py").write_text(settings)
    away = {"DATABASE_URL": "sqlite:////nowhere/db", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    env = environment(tmp_path, DJANGO_SETTINGS_MODULE="noisy", PORT="1", **away)
    env["PYTHONPATH"] += f":{tmp_path}"

    done = subprocess.run(
        [sys.executable, MANAGE, "faceauth_doctor"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    report = Report(done.stdout, done.returncode == 1)
    assert report.bad == {"sessions", "provider", "workflow", "runner", "database"}
    assert done.stderr == "CommandError: 4 problems.\n"


def test_problems_stand_out_on_a_terminal(capsys):
    with override_settings(SESSION_ENGINE="missing"), pytest.raises(CommandError):
        call_command("faceauth_doctor", "--no-network", "--force-color")

    lines = capsys.readouterr().out.splitlines()
    coloured = [line for line in lines if line.startswith("\x1b[")]
    assert [line for line in coloured if "problem  sessions" in line]
    assert [line for line in lines if line.startswith("ok ")]


# -- the database


def test_a_migration_that_is_missing(doctor):
    """There are no rows to look at then."""
    rows = MigrationRecorder(connection).migration_qs.filter(app="faceauth")
    rows.filter(name=rows.latest("pk").name).delete()

    report = doctor()

    assert (report.bad, report.failed) == ({"migrations"}, True)
    assert "manage.py migrate" in report.text
    assert report.of("work") == ""


@pytest.mark.parametrize("table", ["", "faceauth_webhookevent"])
def test_a_database_that_is_away(doctor, provider, table):
    """Or one of our tables."""
    unknown = answers(404, **{"Cko-Request-Id": "1"})
    provider.troubles.append(unknown)  # the simulator needs a database too

    with without(table):
        report = doctor()

    assert (report.bad, report.failed) == ({"database"}, True)
    assert report.of("provider") == "ok"
    assert "canary" not in report.text


# -- the work


@pytest.mark.parametrize("is_started", [True, False])
def test_work_is_overdue_without_sweeps(doctor, person, is_started):
    """Also when nothing is due but challenges that are to be closed."""
    start = person.is_asked()
    if is_started:
        person.presses(start)
    person.clock.shift(timedelta(minutes=4 if is_started else 64))
    assert doctor().bad == set()

    person.clock.shift(timedelta(minutes=3))
    report = doctor()
    assert (report.bad, report.failed) == ({"sweeps"}, True)
    assert "faceauth_sync --watch" in report.text

    sweep_once()
    assert doctor().of("sweeps") == "ok"


@pytest.mark.parametrize(
    ("answer", "is_problem"),
    [(answers(401), True), (answers(429, **{"Retry-After": "600"}), False)],
    ids=["no access", "asked to wait"],
)
def test_paused_polling_is_not_overdue_work(doctor, person, provider, answer, is_problem):
    """P-06."""
    person.is_handed_over(person.is_asked())
    person.clock.shift(3)
    provider.troubles.append(answer)
    sweep_once()
    FaceAuthentication.objects.update(next_poll_at=timezone.now() - timedelta(minutes=6))

    report = doctor("--no-network")

    assert (report.bad, report.failed) == ({"pause"}, is_problem)


def test_faces_that_are_never_compared_and_unknown_statuses(doctor, person):
    person.is_handed_over(person.is_asked())
    rows, begun = FaceAuthentication.objects, timezone.now()
    rows.update(status="checks_in_progress", last_change_at=begun, created_at=begun)
    rows.update(next_poll_at=begun + timedelta(hours=2))
    person.clock.shift(timedelta(minutes=59))
    assert doctor("--no-network").of("stuck") == ""
    person.clock.shift(timedelta(minutes=2))
    assert doctor("--no-network").of("stuck") == "warning"
    rows.update(status="invented_tomorrow")
    assert doctor("--no-network").of("statuses") == "warning"


# -- webhooks


def test_webhooks_that_never_came(doctor, person):
    assert doctor().of("webhooks") == "ok"
    person.passes("/statements/")
    assert doctor().of("webhooks") == "ok"  # it may be on its way

    person.clock.shift(timedelta(minutes=11))
    sweep_once()

    report = doctor()
    assert (report.of("webhooks"), report.failed) == ("warning", False)
    deliver(event(person.authentication))
    assert doctor().of("webhooks") == "ok"
    person.clock.shift(timedelta(minutes=20))
    person.passes("/statements/")
    person.clock.shift(timedelta(minutes=11))
    sweep_once()
    assert doctor().of("webhooks") == "warning"


def test_a_clock_that_is_behind(doctor, person):
    deliver(event("fav_" + "b" * 26, created_on=timezone.now() + timedelta(seconds=59)))
    assert doctor().of("clock") == "ok"

    person.clock.shift(1)
    deliver(event("fav_" + "c" * 26, created_on=timezone.now() + timedelta(minutes=3)))
    report = doctor()

    assert report.of("clock") == "warning"
    assert in_words(timedelta(minutes=3)) in report.text


@pytest.mark.parametrize(
    ("state", "due", "level"),
    [
        ("due", timedelta(minutes=-4), "ok"),
        ("due", timedelta(minutes=-6), "problem"),
        ("due", timedelta(days=1), "ok"),
        ("refused", None, "problem"),
        ("done", None, "ok"),
    ],
)
def test_erasures(doctor, clock, state, due, level):
    now = timezone.now()
    erasure = Erasure.objects.create(who="1", reason="request", requested_at=now)
    ErasureTask.objects.create(
        erasure=erasure,
        provider_id="fav_1",
        environment="sandbox",
        state=state,
        due_at=None if due is None else now + due,
    )

    assert doctor().of("erasures") == level


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Forwarded-Proto": "https"}, "warning"),
        ({"X-Forwarded-Proto": "HTTPS, http"}, "warning"),
        ({"Origin": "https://testserver"}, "warning"),
        ({"X-Forwarded-Proto": "http"}, ""),
        ({"Origin": "https://elsewhere.example"}, ""),
        ({}, ""),
        ({"X-Forwarded-Proto": "https", "header is trusted": "yes"}, ""),
    ],
)
def test_a_proxy_whose_tls_django_does_not_see(doctor, person, settings, headers, expected):
    """The provider would send browsers back over plain HTTP (F-71)."""
    cache.clear()
    settings.CSRF_TRUSTED_ORIGINS = ["https://testserver", "https://elsewhere.example"]
    if "header is trusted" in headers:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    person.browser.defaults |= {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()
    }

    person.is_handed_over(person.is_asked())

    assert doctor().of("return_url") == expected
    cache.clear()
