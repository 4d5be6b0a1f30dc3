"""System checks, id by id."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from importlib.util import find_spec
from types import ModuleType

import pytest
from django import VERSION
from django.conf.urls.i18n import i18n_patterns
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path, reverse_lazy
from django.views.decorators.http import require_http_methods

import django_faceauth
from django_faceauth.checks import TAG
from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.models import Applicant, FaceExemption
from django_faceauth.webhooks import webhook
from tests.site import views
from tests.site.models import Payment

#: What is reported of a second way where its package is not installed.
E018 = [] if find_spec("allauth") else ["E018"]
SESSION_ENGINES = "django.contrib.sessions.backends"


def found(**settings: object) -> list[str]:
    values = {f"FACEAUTH_{name}": value for name, value in settings.items()}
    with override_settings(**values):
        return [message.id.removeprefix("faceauth.") for message in run_checks(tags=[TAG])]


@contextmanager
def addresses(*patterns):
    """Give the site no other gates than these; our own pages stay where they are."""
    module = ModuleType("addresses")
    module.urlpatterns = [path("face/", include("django_faceauth.urls")), *patterns]
    with override_settings(ROOT_URLCONF=module):
        yield


def where(identifier: str, **options: object) -> set[str]:
    """Return the URLs that messages of one id name."""
    messages = run_checks(tags=[TAG], **options)
    named = [message.msg for message in messages if message.id == f"faceauth.{identifier}"]
    return {re.search(r"/\S*", message)[0] for message in named}


# -- settings

OFFER = {
    "ENROLMENT": "offer",
    "ENROLMENT_DATA": str,
    "ENROLMENT_JOURNEY_ID": "usj_of_identity",
    "SITE_URL": "https://bank.example",
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"MAX_AGE": "soon"}, ["E001"]),
        ({"ENVIRONMENT": "production"}, ["E001"] * 4 + ["E005", "E005"]),
        ({"SLOW_REVIEW": "True"}, ["E001"]),
        ({"NOTICES": "False", "SLOW_REVIEW": 1}, ["E001", "E001"]),
        ({"POLL_RATE": 100}, ["E001"]),
        ({"POLL_RATE": 99}, []),
        ({"MAX_AGE": 0}, ["E001"]),
        ({"CONSENT_VERSION": "the new one"}, ["E001"]),
        ({"SITE_URL": "bank.example"}, ["E001"]),
        ({"SITE_URL": "http://bank.example"}, ["E001"]),
        ({"SITE_URL": "https://"}, ["E001"]),
        ({"CAPTURE_HOSTS": ["https://id.checkout.com"]}, ["E001"]),
        ({"CAPTURE_HOSTS": [""], "ASSET_HOSTS": ["*.checkout.com"]}, ["E001", "E001"]),
        ({"CAPTURE_HOSTS": [".checkout.com", "id.ubble.ai", "localhost:8000"]}, []),
        ({"RETENTION": {"tombstones": "30h"}}, ["E001"]),  # W-06
        ({"RETENTION": {"tombstones": "31h"}}, []),
        ({"RUNNER": "celery"}, [] if find_spec("celery") else ["E001"]),
        ({"RUNNER": "tasks"}, [] if VERSION >= (6, 0) or find_spec("django_tasks") else ["E001"]),
        ({"RUNNER": True}, ["E001"]),
        ({"CELERY": True}, ["E002"]),
        ({"MAXAGE": 300}, ["E002"]),
        ({"SOMETHING_ELSE": 1}, ["E002"]),
        ({"BEAT_SCHEDULE": {}}, []),
        ({"SECRET_KEY": None}, ["E003"]),
        ({"SECRET_KEY": None, "OAUTH_CLIENT_ID": "ack_1"}, ["E003"]),
        ({"SECRET_KEY": None, "OAUTH_CLIENT_ID": "ack_1", "OAUTH_CLIENT_SECRET": "s"}, []),
        ({"OAUTH_CLIENT_ID": "ack_1", "OAUTH_CLIENT_SECRET": "s"}, ["E003"]),
        ({"OAUTH_CLIENT_ID": "ack_1"}, ["E003"]),
        ({"CLIENT_CERTIFICATE": "/no/such/file.pem"}, ["E003"]),
        ({"CLIENT_CERTIFICATE": [__file__, "/no/such/file.pem"]}, ["E003"]),
        ({"CLIENT_CERTIFICATE": __file__}, []),
        ({"USER_JOURNEY_ID": ""}, ["E004"]),
        ({"BASE_URL": "http://identity-verification.checkout.com"}, ["E005"]),
        ({"BASE_URL": "http://127.0.0.1:8000/simulator"}, ["E005"]),
        ({"TOKEN_URL": "https://evil.example/token"}, ["E005"]),
        ({"WORKFLOWS_URL": "https://evil.example"}, ["E005"]),
        ({"WORKFLOWS_URL": "https://abc.api.checkout.com"}, []),
        ({"BASE_URL": "https://abc.api.checkout.com"}, []),
        ({"SIMULATOR_ENABLED": False}, ["E006"]),  # P-07
        ({"SIMULATOR_ENABLED": "True"}, ["E001", "E006"]),
        ({"ENVIRONMENT": "live", "SECRET_KEY": "sk_live"}, ["E006"]),  # P-07
        ({"ENVIRONMENT": "live"}, ["E003", "E006"]),
        ({"MAX_AGE": 3600}, []),
        ({"MAX_AGE": 3601}, ["W002"]),  # G-14
        ({"MAX_AGE": 60}, ["W003"]),
        ({"MAX_AGE": 120}, []),
        ({"CAPTURE_WINDOW": 119}, ["W003"]),
        ({"CAPTURE_WINDOW": 120}, []),
        ({"WEBHOOK_SECRET_KEYS": []}, ["W004"]),
        *(({"SECOND_WAYS": [way]}, E018) for way in ("passkey", "totp", "recovery_code")),
        ({"SECOND_WAYS": ["letter"]}, ["E001"]),
        (OFFER, []),
        ({"ENROLMENT": "offer"}, ["E017", "E017", "E017"]),
        *(({**OFFER, name: ""}, ["E017"]) for name in OFFER if name != "ENROLMENT"),
        ({**OFFER, "ENROLMENT_JOURNEY_ID": "aplt_a"}, ["E017"]),
        ({**OFFER, "ENROLMENT_DATA": "no.such.path"}, ["E001", "E017"]),
        ({**OFFER, "ENROLMENT": "off", "ENROLMENT_DATA": ""}, []),
        ({**OFFER, "ENROLMENT": "yes", "ENROLMENT_DATA": ""}, ["E001"]),
        *(({**OFFER, "ENROLMENT_COOL_OFF": none}, ["W033"]) for none in (0, timedelta())),
        ({**OFFER, "ENROLMENT_COOL_OFF": 1}, []),
        ({"ENROLMENT_COOL_OFF": 0}, []),
        ({"NOTICES": True}, ["E016"]),
        ({"NOTICES": True, "SITE_URL": "https://bank.example/"}, []),
        *(({"NETWORK_POLICY": name}, []) for name in ("ignore", "flag", "deny")),
        *(({"NETWORK_POLICY": name}, ["E001"]) for name in ("", "refuse", None, True)),
        ({"SECOND_WAYS": ["passkeys"]}, ["E001"]),
        ({"SECOND_WAYS": "totp"}, ["E001"]),
        ({"FALLBACK": "no-such-page"}, ["E022"]),
        ({"FALLBACK": "faceauth:start"}, ["E022"]),
        ({"FALLBACK": "/by-phone/"}, []),
    ],
    ids=str,
)
def test_settings(settings, expected):
    assert sorted(found(**settings)) == expected


def test_a_demonstration_needs_no_cool_off(settings):
    settings.DEBUG = True
    assert "W033" not in found(**OFFER, ENROLMENT_COOL_OFF=0)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("FACEAUTH_USER_JOURNEYID", "FACEAUTH_USER_JOURNEY_ID"),
        ("FACEAUTH_CELERY", "FACEAUTH_RUNNER"),
    ],
)
def test_the_right_name_of_a_setting_is_suggested(wrong, right):
    with override_settings(**{wrong: True}):
        (message,) = run_checks(tags=[TAG])

    assert right in message.hint


def test_a_simulator_of_a_developer_or_of_nobody_is_fine(settings):
    """P-07."""
    with override_settings(DEBUG=True):
        assert found(BASE_URL="http://127.0.0.1:8000/simulator", SIMULATOR_ENABLED=False) == []

    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django_faceauth.simulator"
    ]
    assert found(SIMULATOR_ENABLED=False) == []
    assert found(ENVIRONMENT="live", SECRET_KEY="sk_live") == []


def test_a_second_way_needs_a_package_that_offers_it(settings):
    """And passkeys need a setting of django-allauth."""
    ways = settings.FACEAUTH_SECOND_WAYS = ["passkey", "totp", "recovery_code"]
    settings.MFA_SUPPORTED_TYPES = ["totp"]
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if not app.startswith(("allauth", "django_otp"))
    ]

    messages = [message for message in run_checks(tags=[TAG]) if message.id == "faceauth.E018"]

    assert [next(way for way in ways if way in message.msg) for message in messages] == ways
    assert ["otp_totp" in message.hint for message in messages] == [False, True, False]
    if find_spec("allauth"):
        settings.INSTALLED_APPS += ["allauth", "allauth.account", "allauth.mfa"]
        assert found() == ["E018", "E018"]
        settings.MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
        assert found() == []


def test_time_zones_are_needed():
    with override_settings(USE_TZ=False):
        assert found() == ["E011"]


#: Where Django's tasks are: in Django, or in the backport.
LIBRARY = "django.tasks" if VERSION >= (6, 0) else "django_tasks"
needs_tasks = pytest.mark.skipif(not find_spec("django_tasks_db"), reason="an extra of the tests")


@pytest.fixture
def fresh(monkeypatch):
    """A process that has imported no tasks yet."""
    for name in ("tasks", "django_tasks"):
        monkeypatch.delattr(django_faceauth, name, raising=False)
        monkeypatch.delitem(sys.modules, f"django_faceauth.{name}", raising=False)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("runner", "package"), [("celery", "celery"), ("tasks", LIBRARY)])
def test_a_runner_needs_its_package(monkeypatch, runner, package):
    monkeypatch.setitem(sys.modules, package, None)

    assert found(RUNNER=runner) == ["E001"]
    assert found() == []


@needs_tasks
@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "backend",
    [
        {"BACKEND": "no.such.Backend"},
        {"BACKEND": f"{LIBRARY}.backends.dummy.DummyBackend", "QUEUES": ["mine"]},
    ],
    ids=["missing", "other queue"],
)
def test_the_default_backend_must_have_the_default_queue(settings, backend):
    settings.TASKS = {"default": backend}

    assert found(RUNNER="tasks") == ["E001"]
    assert found() == []


@needs_tasks
@pytest.mark.parametrize(
    ("backend", "is_found"),
    [
        (f"{LIBRARY}.backends.dummy.DummyBackend", True),
        (f"{LIBRARY}.backends.immediate.ImmediateBackend", True),
        ("django_tasks_db.DatabaseBackend", False),
    ],
)
def test_a_deployed_backend_must_have_workers(settings, backend, is_found):
    settings.TASKS = {"default": {"BACKEND": backend}}

    with override_settings(FACEAUTH_RUNNER="tasks"):
        told = {message.id for message in run_checks(tags=[TAG], include_deployment_checks=True)}
    assert ("faceauth.W037" in told) == is_found
    assert found(RUNNER="tasks") == []


# -- windows and other parts of gates


@face_required(max_age=7200)
def too_long(request):
    return HttpResponse()


class TooShort(FaceRequiredMixin, views.View):
    face_max_age = timedelta(seconds=119)


def bound(request):
    return {"amount": 1}


class Bound(FaceRequiredMixin, views.View):
    def get_face_binding(self):
        return {"amount": 1}


urlpatterns = [
    path("long/", too_long),
    path("nested/", include([path("<int:pk>/", TooShort.as_view(), name="short")])),
    path("as-view/", views.Documents.as_view(face_max_age=10)),
    path("never/", views.Documents.as_view(face_max_age=0)),
    path("fine/", views.Documents.as_view()),
]


@override_settings(ROOT_URLCONF=__name__)
def test_gates_with_odd_windows_are_reported_with_their_url():
    """Longer than the ceiling is reported (G-14); too short cannot be passed.

    This URLconf does not include our own pages, which is reported too.
    """
    messages = run_checks(tags=[TAG])

    assert sorted((message.id, message.msg.split()[3]) for message in messages) == [
        ("faceauth.E010", "this"),
        ("faceauth.E012", "/never/"),
        ("faceauth.W002", "/long/"),
        ("faceauth.W003", "/as-view/"),
        ("faceauth.W003", "/nested/<int:pk>/"),
    ]


@face_required_action(max_age=11)
def close_all(model_admin, request, rows):
    pass


class LongAdmin(FaceRequiredModelAdmin):
    face_max_age = 7201
    actions = ["close", "no_such_action"]

    @face_required_action(max_age=10)
    def close(self, request, rows):
        pass


def test_gates_of_an_admin_are_found_and_named_once():
    vault = type("Vault", (FaceRequiredAdminSite,), {"face_max_age": 7200})(name="vault")
    vault.register(Payment, LongAdmin)
    vault.add_action(close_all)

    with addresses(path("vault/", vault.urls)):
        messages = run_checks(tags=[TAG])

    assert sorted((one.id[-4:], one.msg.split()[3], one.msg.split()[-2]) for one in messages) == [
        ("W002", "/vault/", "for"),
        ("W002", "/vault/shop/payment/", "for"),
        ("W003", "/vault/", "0:00:11"),
        ("W003", "/vault/shop/payment/", "0:00:10"),
    ]


GATES = [
    path("window/", views.statements),
    path("once/", face_required(single_use=True)(views.know)),
    path("bound/", face_required(bind=bound)(views.know)),
    path("class/", views.Documents.as_view()),
    path("bound-class/", Bound.as_view()),
]


def test_where_humans_decide_every_gate_is_bound():
    """A window that counts from the capture would be over before they have (G-16)."""
    vault = FaceRequiredAdminSite(name="slow")

    with addresses(*GATES, path("vault/", vault.urls)):
        assert where("E012") == set()
        with override_settings(FACEAUTH_SLOW_REVIEW=True):
            assert where("E012") == {"/window/", "/once/", "/class/", "/vault/"}


@pytest.mark.parametrize(
    ("engine", "expected"),
    [("signed_cookies", {"/once/", "/bound/", "/bound-class/"}), ("db", set())],
)
def test_single_use_gates_need_sessions_that_can_be_revoked(engine, expected):
    """At deployment only (B-05)."""
    with addresses(*GATES), override_settings(SESSION_ENGINE=f"{SESSION_ENGINES}.{engine}"):
        assert where("W006", include_deployment_checks=True) == expected
        assert where("W006") == set()


SECRETS = """
password new_password1 newPassword passwd client-secret api_token csrf_token
pin PIN card_cvc cvv2 otp otp_code
"""


def test_secrets_are_not_kept():
    """What is kept is stored as it was typed (U-10)."""
    fine = ["email", "shipping", "opinion", "scotpin", "amount", "note"]
    with addresses(path("gate/", face_required(keep=[*fine, *SECRETS.split()])(views.know))):
        messages = [one.msg for one in run_checks(tags=[TAG]) if one.id == "faceauth.W008"]

    assert [re.search(r"keeps '(.+)',", one)[1] for one in messages] == SECRETS.split()


# -- conditions, and what is accepted


class Asks(FaceRequiredMixin, views.View):
    def face_when(self):
        return True


class AsksStaff(FaceRequiredModelAdmin):
    """Has an action by default."""

    actions = ["close"]

    def face_when(self, request, **kwargs):
        return True

    @face_required_action(action="", when=lambda *args: True)
    def close(self, request, rows):
        pass


def test_a_condition_on_a_gate_without_an_action_is_found():
    """A face that was shown at any gate without one opens it too."""
    always = {"when": lambda request: True}
    staff = AdminSite(name="asks")
    staff.register(Payment, AsksStaff)
    with addresses(
        path("no-action/", face_required(**always)(views.know)),
        path("action/", face_required(action="pay", **always)(views.know)),
        path("no-when/", face_required(views.know)),
        path("class/", Asks.as_view()),
        path("named/", Asks.as_view(face_action="named")),
        path("staff/", staff.urls),
    ):
        assert where("W034") == {"/no-action/", "/class/", "/staff/shop/payment/"}


def test_a_page_that_adds_a_second_way_is_found():
    """A thief who knows the password would add one of their own."""
    included = [
        path("totp/", views.know, name="mfa_activate_totp"),
        path("passkey/", views.know, name="mfa_add_webauthn"),
    ]
    gated = path("ways/passkey/", face_required(action="ways")(views.know))
    with addresses(gated, path("ways/", include(included)), path("two/", views.know)):
        assert where("W035") == set()
        with override_settings(FACEAUTH_SECOND_WAYS=["passkey", "totp"]):
            assert where("W035") == {"/ways/totp/"}


def test_what_a_gate_accepts_and_nothing_offers_is_found():
    """With a fallback, that may offer it."""
    with addresses(
        path("passkey/", face_required(accept=["face", "passkey"])(views.know)),
        path("codes/", face_required(accept=["face", "totp", "recovery_code"])(views.know)),
        path("face/", face_required(accept=["face"])(views.know)),
        path("letter/", face_required(accept=["face", "letter"])(views.know)),
        path("anything/", face_required(views.know)),
    ):
        assert where("W034") == {"/passkey/", "/codes/"}
        with override_settings(FACEAUTH_SECOND_WAYS=["passkey", "totp"]):
            assert where("W034") == {"/codes/"}
        with override_settings(FACEAUTH_FALLBACK="/by-phone/"):
            assert where("W034") == set()


# -- middleware


class OtherSessions:
    """Does the work without being a subclass of Django's."""


class OurSessions(SessionMiddleware):
    pass


class OurUsers(AuthenticationMiddleware):
    pass


def simple(get_response):
    return get_response


SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"


@pytest.mark.parametrize(
    ("middleware", "missing"),
    [
        ([SESSIONS, USERS], 0),
        ([f"{__name__}.simple", f"{__name__}.OurSessions", f"{__name__}.OurUsers"], 0),
        ([USERS], 1),
        ([SESSIONS, "no.such.Middleware"], 1),
        ([], 2),
        ([f"{__name__}.OtherSessions", f"{__name__}.OurUsers"], 1),
    ],
)
def test_gates_need_sessions_and_users(middleware, missing):
    """A warning: other middleware may do the work all the same (F-85)."""
    with override_settings(MIDDLEWARE=middleware):
        assert found() == ["W032"] * missing


# -- methods


class Both(views.View):
    def get(self, request):
        pass

    post = put = delete = get


class MixedBoth(FaceRequiredMixin, Both):
    face_methods = ("POST",)


FOR_POST = face_required(methods=["POST"])
FOR_GET = face_required(methods=["GET"])


@pytest.mark.parametrize(
    ("view", "open_to"),
    [
        (FOR_POST(views.know), ""),
        (FOR_GET(views.know), "POST"),
        (face_required(methods=["PUT"])(views.know), ""),
        (FOR_POST(require_http_methods(["GET", "POST", "PUT"])(views.know)), ""),
        (FOR_GET(require_http_methods(["GET", "POST", "PUT"])(views.know)), "POST, PUT"),
        (require_http_methods(["GET", "HEAD"])(FOR_GET(views.know)), ""),
        (MixedBoth.as_view(), ""),
        (MixedBoth.as_view(face_methods=["GET"]), "DELETE, POST, PUT"),
        (MixedBoth.as_view(face_methods=["FETCH"]), ""),  # E012 says so
        (FOR_GET(Both.as_view()), "DELETE, POST, PUT"),
        (views.Documents.as_view(face_methods=["POST"]), ""),
    ],
)
def test_a_gate_for_some_methods_leaves_no_other_way(view, open_to):
    """The methods that a view answers are compared with those of its gate (G-15)."""
    with addresses(path("gate/", view)):
        messages = [one.msg for one in run_checks(tags=[TAG]) if one.id == "faceauth.W007"]

    assert messages == ([f"The gate at /gate/ leaves {open_to} open."] if open_to else [])


class Plain(ModelAdmin): ...


class Gated(FaceRequiredModelAdmin): ...


def test_an_admin_that_gates_reading_only_is_reported():
    site = FaceRequiredAdminSite(name="reading")
    site.register(Payment, type("Reading", (Gated,), {"face_methods": ("GET",)}))
    plain = FaceRequiredAdminSite(name="plain")
    plain.register(Payment, Plain)

    with addresses(path("reading/", site.urls), path("plain/", plain.urls)):
        assert where("W007") == {"/reading/shop/payment/"}


@pytest.mark.parametrize("model", [Applicant, FaceExemption])
@pytest.mark.parametrize(
    ("site", "model_admin", "is_named"),
    [
        (AdminSite, Plain, True),
        (AdminSite, Gated, False),
        (FaceRequiredAdminSite, Plain, False),
    ],
)
def test_admins_that_decide_who_passes_take_a_face(site, model_admin, is_named, model):
    """G-12: a site may replace our admin, and forget its gate."""
    office = site(name="office")
    office.register(model, model_admin)
    office.register(Payment, Plain)
    named = f"/office/faceauth/{model._meta.model_name}/"

    with addresses(path("office/", office.urls)):
        assert where("W017") == ({named} if is_named else set())


# -- fallback and login


@pytest.mark.parametrize(
    ("view", "expected"),
    [(face_required(views.know), ["E022"]), (FOR_POST(views.know), []), (views.know, [])],
    ids=["gated", "gated for POST", "open"],
)
def test_where_users_go_who_cannot_pass_is_open(view, expected):
    """V-04: they would go round in circles."""
    pages = ["there", "/there/", "/there/?from=gate"]
    given = [(name, page) for name in ("FACEAUTH_FALLBACK", "LOGIN_URL") for page in pages]
    for name, page in [*given, ("LOGIN_URL", reverse_lazy("there"))]:
        there = path("there/", view, name="there")
        with addresses(there), override_settings(**{name: page}):
            assert [one for one in found() if one != "W007"] == expected, (name, page)


def test_a_login_page_is_found_by_name_or_is_on_another_server():
    with override_settings(LOGIN_URL="no-such-page"):
        assert found() == ["E022"]
    for page in ("https://login.example/", "/of/another/server/"):
        with override_settings(LOGIN_URL=page, FACEAUTH_FALLBACK=page):
            assert found() == []


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([path("gate/", views.statements)], ["W020"]),
        ([path("gate/", views.statements), path("accounts/login/", views.know)], []),
        ([], []),
    ],
)
def test_a_site_with_gates_says_where_to_log_in(patterns, expected):
    with addresses(*patterns), override_settings(LOGIN_URL="/accounts/login/"):
        assert found() == expected


# -- the webhook


@pytest.mark.parametrize(
    ("exempt", "expected"),
    [([], ["W005"]), ([r"^other/"], ["W005"]), ([r"^face/webhook/?$"], []), ([r"^face/"], [])],
)
def test_webhooks_must_not_be_redirected(exempt, expected):
    """A view cannot escape SecurityMiddleware (W-12); the hint is a line that works."""
    with override_settings(SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=exempt):
        messages = run_checks(tags=[TAG])
        assert [one.id[-4:] for one in messages] == expected

    for message in messages:
        hinted = re.findall(r'r"([^"]+)"', message.hint)
        with override_settings(SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=hinted):
            assert found() == []


def languages(*patterns, **options):
    """Give the site these URLs, and ours under the prefix of a language."""
    module = ModuleType("addresses")
    ours = path("face/", include([path("", include("django_faceauth.urls"))]))
    module.urlpatterns = [*patterns, *i18n_patterns(ours, **options)]
    return override_settings(ROOT_URLCONF=module)


def wrapped(request):
    """A view of the site around ours."""


OUTSIDE = path("face/webhook/", webhook)


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (languages(), ["W005"]),
        (languages(prefix_default_language=False), []),
        (languages(OUTSIDE), []),
        (languages(path("hooks/", include([OUTSIDE]))), []),
        (languages(path("hook/", wraps(webhook)(wrapped))), []),
        (addresses(*i18n_patterns(path("page/", views.know))), []),
    ],
)
def test_webhooks_have_no_language_prefix(urls, expected):
    """The provider follows no redirect, so every event would be lost (F-83)."""
    with urls:
        assert found() == expected


def test_one_language_has_a_prefix_and_none_without_translation(settings):
    """(F-83)."""
    settings.LANGUAGES = [("en", "English")]
    with languages():
        assert found() == ["W005"]
    with override_settings(USE_I18N=False), languages():
        assert found() == []


# -- check --deploy

DEPLOYED = {
    "FACEAUTH_ENVIRONMENT": "live",
    "FACEAUTH_SECRET_KEY": "sk_live",
    "FACEAUTH_CONSENT_VERSION": "2026-11",
    "FACEAUTH_FALLBACK": "/by-phone/",
}


def deployed(*, deploy: bool = True, **settings: object) -> set[str]:
    """Return the ids of a deployment; the simulator, which is installed here, would be one."""
    with override_settings(**DEPLOYED), override_settings(**settings):
        messages = run_checks(tags=[TAG], include_deployment_checks=deploy)
        ids = {one.id.removeprefix("faceauth.") for one in messages if not one.is_silenced()}
    return ids - {"E006"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"FACEAUTH_ENVIRONMENT": "sandbox"}, ["W012"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["W013"]),
        ({"ALLOWED_HOSTS": ["bank.example", "*"]}, ["W013"]),
        ({"ALLOWED_HOSTS": [".bank.example"]}, []),
        ({"FACEAUTH_CONSENT_VERSION": ""}, ["W015"]),
        ({"FACEAUTH_FALLBACK": ""}, ["W010"]),  # V-04
        ({"FACEAUTH_CONSENT_VERSION": "", "FACEAUTH_FALLBACK": ""}, ["W010", "W015"]),
        ({"FACEAUTH_RATE_LIMITS": {"unsuccessful": []}}, ["W019"]),  # T-2.4
        ({"FACEAUTH_RATE_LIMITS": {"lockout": None}}, ["W019"]),
        ({"FACEAUTH_RATE_LIMITS": {"lockout": ()}}, ["W019"]),
        ({"FACEAUTH_RATE_LIMITS": {"lockout": (3, "1h"), "unsuccessful": ["1/m"]}}, []),
        ({"FACEAUTH_RETENTION": {"flows": None}}, ["W023"]),  # V-06
        ({"FACEAUTH_RETENTION": {"tombstones": None, "audit": None}}, []),
        ({"FACEAUTH_RETENTION": {"flows": "1d"}}, []),
        ({"USE_X_FORWARDED_HOST": True}, ["W036"]),
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, ["W036"]),
        ({"USE_X_FORWARDED_HOST": True, "FACEAUTH_TRUSTED_PROXIES": 1}, []),
        ({"USE_X_FORWARDED_HOST": True, "FACEAUTH_NETWORK_POLICY": "ignore"}, []),
    ],
    ids=str,
)
def test_deployment(settings, expected):
    """On top of a reminder to assess the risks, until it is silenced (C-01)."""
    settings = {"SILENCED_SYSTEM_CHECKS": [], **settings}
    assert deployed(**settings) == {"W014", *expected}
    assert deployed(**settings, deploy=False) == set()
    settings["SILENCED_SYSTEM_CHECKS"] = ["faceauth.W014"]
    assert deployed(**settings) == set(expected)


def test_second_ways_are_another_way():
    """V-04."""
    ways = {"FACEAUTH_FALLBACK": "", "FACEAUTH_SECOND_WAYS": ["totp"]}
    assert deployed(SILENCED_SYSTEM_CHECKS=["faceauth.W014"], **ways) == {*E018}


@pytest.mark.parametrize("key", ["unsuccessful", "lockout"])
def test_limits_that_cannot_be_read_are_not_taken_for_none(key):
    assert deployed(FACEAUTH_RATE_LIMITS={key: "seldom"}) == {"E001"}


@pytest.mark.parametrize(
    ("engine", "backend", "expected"),
    [
        ("cache", "locmem.LocMemCache", {"W006"}),
        ("cached_db", "locmem.LocMemCache", {"W006"}),
        ("cached_db", "dummy.DummyCache", {"W006"}),
        ("cache", "filebased.FileBasedCache", set()),
        ("cache", "missing.Cache", set()),  # the first request says so
        ("db", "locmem.LocMemCache", set()),
    ],
)
def test_sessions_are_shared_by_processes(engine, backend, expected, tmp_path):
    backend = f"django.core.cache.backends.{backend}"
    caches = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}

    assert deployed(SESSION_ENGINE=f"{SESSION_ENGINES}.{engine}", CACHES=caches) == expected
