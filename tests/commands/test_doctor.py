"""`manage.py faceauth_doctor`."""

from __future__ import annotations

import json
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
from django_faceauth.services.flow import finish
from django_faceauth.services.monitoring.doctor import UNKNOWN_ID
from tests.provider.samples import AUTHENTICATION
from tests.provider_double import answers, breaks, works
from tests.sweeping import sweep_once
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.django_db

SECRET = "sk_sbox_canary_of_the_doctor"
SESSIONS = "django.contrib.sessions"
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
        self.levels = [(name.rstrip(":"), level) for level, name, *_rest in lines]
        self.bad = {name for name, level in self.levels if level != "ok"}

    def of(self, name):
        assert [known for known, _level in self.levels].count(name) < 2
        return dict(self.levels).get(name, "")


@pytest.fixture
def doctor(capsys):
    def doctor(*options):
        try:
            call_command("faceauth_doctor", *options)
        except CommandError:
            return Report(capsys.readouterr().out, failed=True)
        return Report(capsys.readouterr().out, failed=False)

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
    assert provider.calls[-1] == f"GET /face-authentications/{UNKNOWN_ID}"
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"SESSION_ENGINE": "sessions.missing"},
        {"SESSION_ENGINE": SESSIONS},
        {"SESSION_ENGINE": f"{SESSIONS}.backends.cache", "SESSION_CACHE_ALIAS": "none"},
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

PAGE = {"content_type": "text/html"}
REQUEST_ID = {"Cko-Request-Id": "0f6dc5ab-1f7e"}


@pytest.mark.parametrize(
    ("troubles", "expected"),
    [
        ([answers(404, '{"error_codes": ["not_found"]}')], "ok"),
        *[([answers(status, **REQUEST_ID)], "ok") for status in (400, 404, 410, 422)],
        *[([answers(status)], "warning") for status in (429, 503)],
        ([breaks()] * 3, "problem"),
        *[([answers(status)], "problem") for status in (401, 403)],
        *[([answers(status, "{}")], "problem") for status in (200, 302, 404, 405, 410)],
        ([answers(404, '{"detail": "Not found."}')], "problem"),
        ([answers(404, '{"error_codes": []}')], "problem"),
        ([answers(404, '{"error_codes": "not_found"}')], "problem"),
        ([answers(422, '{"detail": []}')], "problem"),
        ([answers(404, "<h1>Not found</h1>", **PAGE)], "problem"),
        ([answers(200, "<h1>Log in</h1>", **PAGE)], "problem"),
        # Another server that takes every id: this one was never given.
        ([answers(200, json.dumps(AUTHENTICATION | {"id": UNKNOWN_ID}), **REQUEST_ID)], "problem"),
    ],
)
def test_only_answers_like_those_of_the_provider_are_good(doctor, provider, troubles, expected):
    """Any URL without a page answers 404 (F-60)."""
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

BANK = {"FACEAUTH_SITE_URL": "https://bank.example"}


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
        ({}, answers(401), "ok"),
        ({}, answers(403), "ok"),
        (OAUTH, answers(400, '{"error": "invalid_scope"}'), "ok"),
        ({}, answers(503), "warning"),
        ({}, answers(200, "[]"), "warning"),
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
    assert "was not checked" in report.text


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


@pytest.fixture
def forgotten_migration(transactional_db):
    """The table of tasks is not there."""
    table = pytest.importorskip("django_tasks_db.models").DBTaskResult._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


@pytest.mark.database
@pytest.mark.usefixtures("forgotten_migration")
def test_the_table_of_tasks_is_missing(doctor):
    with override_settings(FACEAUTH_RUNNER="tasks"):
        report = doctor()

    assert (report.bad, report.of("runner")) == ({"runner"}, "problem")


def test_the_runner_is_named(doctor):
    pytest.importorskip("django_tasks_db")
    assert "runner: Web processes handle" in doctor().text
    with override_settings(FACEAUTH_RUNNER="tasks"):
        report = doctor()

    assert report.of("runner") == "ok"
    assert "The runner is tasks, and its queue answers." in report.text


# -- the database


def test_a_migration_that_is_missing(doctor):
    """There are no rows to look at then."""
    rows = MigrationRecorder(connection).migration_qs.filter(app="faceauth")
    rows.filter(name=rows.latest("pk").name).delete()

    report = doctor()

    assert (report.bad, report.failed) == ({"migrations"}, True)
    assert "manage.py migrate" in report.text
    assert report.of("work") == ""


def test_a_database_that_is_away(doctor, provider):
    unknown = answers(404, **{"Cko-Request-Id": "1"})
    provider.troubles.append(unknown)  # the simulator needs a database too

    def away(*_args):
        raise OperationalError("canary")

    with connection.execute_wrapper(away):
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
    person.shows_face(person.is_handed_over(person.is_asked()))
    finish.refresh(person.authentication, source="poll", now=timezone.now())
    assert person.authentication.status == "checks_in_progress"
    FaceAuthentication.objects.update(next_poll_at=None)

    person.clock.shift(timedelta(minutes=59))
    assert doctor().of("stuck") == ""
    person.clock.shift(timedelta(minutes=2))
    assert doctor().of("stuck") == "warning"
    FaceAuthentication.objects.update(
        status="invented_tomorrow", next_poll_at=timezone.now() + timedelta(hours=1)
    )
    assert doctor().of("statuses") == "warning"


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
