"""What `manage.py check` says, finding by finding."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from types import ModuleType

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from django_faceauth.checks import TAG
from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.models import Applicant, FaceExemption
from tests.site import views
from tests.site.models import Payment


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
    """Return the addresses, or other first words, that findings of one kind name."""
    messages = run_checks(tags=[TAG], **options)
    named = [message.msg for message in messages if message.id == f"faceauth.{identifier}"]
    return {re.search(r"/\S*", message)[0] for message in named}


def test_a_good_configuration_has_no_findings():
    assert found() == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"MAX_AGE": "soon"}, ["E001"]),
        ({"CAPTURE_HOSTS": "checkout.com"}, ["E001"]),
        ({"ENVIRONMENT": "production"}, ["E001", "E001", "E001", "E005", "E005"]),
        ({"MAXAGE": 300}, ["E002"]),
        ({"USER_JOURNEYID": "usj_x"}, ["E002"]),
        ({"CAPTURE_HOST": []}, ["E002"]),
        ({"SOMETHING_ELSE": 1}, ["W001"]),
        ({"SECRET_KEY": None}, ["E003"]),
        ({"SECRET_KEY": None, "OAUTH_CLIENT_ID": "ack_1"}, ["E003"]),
        ({"SECRET_KEY": None, "OAUTH_CLIENT_ID": "ack_1", "OAUTH_CLIENT_SECRET": "s"}, []),
        ({"OAUTH_CLIENT_ID": "ack_1", "OAUTH_CLIENT_SECRET": "s"}, ["E003"]),
        ({"OAUTH_CLIENT_ID": "ack_1"}, ["E003"]),
        ({"USER_JOURNEY_ID": ""}, ["E004"]),
        ({"USER_JOURNEY_ID": "journey"}, ["E004"]),
        ({"BASE_URL": "http://identity-verification.checkout.com"}, ["E005"]),
        ({"BASE_URL": "http://127.0.0.1:8000/simulator"}, ["E005"]),
        ({"TOKEN_URL": "https://evil.example/token"}, ["E005"]),
        ({"BASE_URL": "https://abc.api.checkout.com"}, []),
        ({"SIMULATOR_ENABLED": False}, ["E006"]),
        ({"SIMULATOR_ENABLED": "True"}, ["E006", "W022"]),
        ({"ENVIRONMENT": "live", "SECRET_KEY": "sk_live"}, ["E019"]),
        ({"ENVIRONMENT": "live"}, ["E019", "E020"]),
        ({"ENVIRONMENT": "live", "SIMULATOR_ENABLED": False}, ["E006", "E020"]),
        ({"CLIENT_CERTIFICATE": "/no/such/file.pem"}, ["E024"]),
        ({"CLIENT_CERTIFICATE": [__file__, "/no/such/file.pem"]}, ["E024"]),
        ({"CLIENT_CERTIFICATE": [__file__, __file__]}, []),
        ({"CLIENT_CERTIFICATE": __file__}, []),
        ({"CAPTURE_WINDOW": 119}, ["W018"]),
        ({"CAPTURE_WINDOW": 120}, []),
        ({"CAPTURE_WINDOW": "long"}, ["E001"]),
        ({"POLL_RATE": 100}, ["W021"]),
        ({"POLL_RATE": 99}, []),
        ({"POLL_RATE": "fast"}, ["E001"]),
        ({"MAX_AGE": 3600}, []),
        ({"MAX_AGE": 3601}, ["W002"]),
        ({"MAX_AGE": 0}, ["E007"]),
        ({"MAX_AGE": 60}, ["W003"]),
        ({"MAX_AGE": 120}, []),
        ({"WEBHOOK_SECRET_KEYS": ["short"]}, ["E001"]),
        ({"WEBHOOK_SECRET_KEYS": [""]}, ["E001"]),
        ({"WEBHOOK_SECRET_KEYS": []}, ["W004"]),
        ({"WEBHOOK_SECRET_KEY": ["k" * 40]}, ["E002"]),
        ({"CELERY": True}, [] if find_spec("celery") else ["E013"]),
        ({"BEAT_SCHEDULE": {}}, []),
        ({"SLOW_REVIEW": "True"}, ["W022"]),
        ({"NOTICES": "False", "CELERY": 1}, ["W022", "W022"]),
        ({"ACR": "two words"}, ["E001"]),
        ({"CREDENTIAL": "no.such.module"}, ["E001"]),
        ({"CREDENTIAL": "os.sep"}, ["E001"]),
        ({"CREDENTIAL": "os.getpid"}, []),
        ({"REDIRECT_ALLOWLIST": "demobank://face/done"}, ["E001"]),
        ({"REDIRECT_ALLOWLIST": ["javascript:alert(1)"]}, ["E001"]),
        ({"REDIRECT_ALLOWLIST": ["https://[broken/"]}, ["E001"]),
        ({"REDIRECT_ALLOWLIST": ["demobank://face/done"]}, []),
        ({"REDIRECT_ALOWLIST": []}, ["E002"]),
        ({"FALLBACK": "no-such-page"}, ["E009"]),
        ({"FALLBACK": "faceauth:start"}, ["E009"]),
        ({"FALLBACK": "/by-phone/"}, []),
        ({"CONSENT_VERSION": "2026-11"}, ["W010"]),  # V-04
        ({"CONSENT_VERSION": "2026-11", "FALLBACK": "/by-phone/"}, []),
        ({"CONSENT_VERSION": "the new one"}, ["E001"]),
        ({"NOTICES": True}, ["E016"]),
        ({"NOTICES": True, "SITE_URL": "https://bank.example/"}, []),
        ({"SITE_URL": "bank.example"}, ["E001"]),
        ({"SITE_URL": "http://bank.example"}, ["E001"]),
        ({"SITE_URL": "https://"}, ["E001"]),
        ({"CAPTURE_HOSTS": ["https://id.checkout.com"]}, ["E008"]),
        ({"CAPTURE_HOSTS": [""]}, ["E008"]),
        ({"CAPTURE_HOSTS": ["*.checkout.com"]}, ["E008"]),
        ({"ASSET_HOSTS": ["https://assets.checkout.com"]}, ["E008"]),
        ({"ASSET_HOSTS": ["assets.bank.example", "localhost:8000"]}, []),
        ({"CAPTURE_HOSTS": [".checkout.com", "id.ubble.ai", "localhost:8000"]}, []),
    ],
)
def test_findings(settings, expected):
    assert sorted(found(**settings)) == expected


@override_settings(DEBUG=True)
def test_a_simulator_on_this_machine_is_fine_in_debug():
    assert found(BASE_URL="http://127.0.0.1:8000/simulator", SIMULATOR_ENABLED=False) == []


def test_the_simulator_is_no_matter_where_it_is_not_installed(settings):
    """P-07."""
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django_faceauth.simulator"
    ]

    assert found(SIMULATOR_ENABLED=False) == []
    assert found(ENVIRONMENT="live", SECRET_KEY="sk_live") == []


def test_without_debug_or_the_second_setting_the_simulator_answers_nothing(client, db):
    """P-07."""
    with override_settings(FACEAUTH_SIMULATOR_ENABLED=False):
        answer = client.post("/simulator/face-authentications", {}, "application/json")

    assert answer.status_code == 404


@face_required(max_age=7200)
def too_long(request):
    return HttpResponse()


class TooShort(FaceRequiredMixin, views.View):
    face_max_age = timedelta(seconds=119)


urlpatterns = [
    path("long/", too_long),
    path("nested/", include([path("<int:pk>/", TooShort.as_view(), name="short")])),
    path("as-view/", views.Documents.as_view(face_max_age=10)),
    path("never/", views.Documents.as_view(face_max_age=0)),
    path("fine/", views.Documents.as_view()),
]


@override_settings(ROOT_URLCONF=__name__)
def test_gates_with_odd_windows_are_reported_with_their_address():
    """Longer than the ceiling needs saying, and shows (G-14); too short cannot be passed.

    This URLconf has forgotten our own pages, which is reported too.
    """
    messages = run_checks(tags=[TAG])

    assert sorted((message.id, message.msg.split()[3]) for message in messages) == [
        ("faceauth.E010", "this"),
        ("faceauth.E012", "/never/"),
        ("faceauth.W002", "/long/"),
        ("faceauth.W003", "/as-view/"),
        ("faceauth.W003", "/nested/<int:pk>/"),
    ]


@override_settings(USE_TZ=False)
def test_time_zones_are_needed():
    assert found() == ["E011"]


def test_celery_must_be_there_to_be_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "celery", None)

    assert found(CELERY=True) == ["E013"]
    assert found() == []


@pytest.mark.parametrize(
    ("exempt", "expected"),
    [([], ["W005"]), ([r"^other/"], ["W005"]), ([r"^face/webhook/?$"], []), ([r"^face/"], [])],
)
def test_webhooks_must_not_be_redirected(exempt, expected):
    """A view cannot escape SecurityMiddleware (W-12)."""
    with override_settings(SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=exempt):
        assert found() == expected


def test_the_hint_is_a_line_that_works():
    """What the check says to add is what silences it."""
    with override_settings(SECURE_SSL_REDIRECT=True):
        (finding,) = run_checks(tags=[TAG])
    (pattern,) = re.findall(r'r"([^"]+)"', finding.hint)

    with override_settings(SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=[pattern]):
        assert found() == []


# -- doors of the admin


class Vault(FaceRequiredAdminSite):
    face_max_age = 7200


class Desk(FaceRequiredModelAdmin):
    face_max_age = 7201
    actions = ["close", "no_such_action"]

    @face_required_action(max_age=10)
    def close(self, request, rows):
        pass


@face_required_action(max_age=11)
def close_all(desk, request, rows):
    pass


def test_doors_of_the_admin_are_found_and_named_once():
    """The site by its front page, a model by its list, and actions with them."""
    vault = Vault(name="vault")
    vault.register(Payment, Desk)
    vault.add_action(close_all)

    with addresses(path("vault/", vault.urls)):
        findings = run_checks(tags=[TAG])

    assert sorted((one.id[-4:], one.msg.split()[3], one.msg.split()[-2]) for one in findings) == [
        ("W002", "/vault/", "for"),
        ("W002", "/vault/shop/payment/", "for"),
        ("W003", "/vault/", "0:00:11"),
        ("W003", "/vault/shop/payment/", "0:00:10"),
    ]


# -- slow decisions


def bound(request):
    return {"amount": 1}


class Bound(FaceRequiredMixin, views.View):
    def get_face_binding(self):
        return {"amount": 1}


def test_where_people_decide_every_gate_is_bound():
    """A window that counts from the capture would be over before they have (G-16)."""
    vault = FaceRequiredAdminSite(name="slow")
    gates = [
        path("window/", views.statements),
        path("once/", face_required(single_use=True)(views.know)),
        path("bound/", face_required(bind=bound)(views.know)),
        path("class/", views.Documents.as_view()),
        path("bound-class/", Bound.as_view()),
        path("vault/", vault.urls),
    ]

    with addresses(*gates):
        assert where("E014") == set()
        with override_settings(FACEAUTH_SLOW_REVIEW=True):
            assert where("E014") == {"/window/", "/once/", "/class/", "/vault/"}


# -- middleware and sessions


class OtherSessions:
    """Does the work, and is none of Django's."""


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
        ([SESSIONS, USERS], []),
        ([f"{__name__}.simple", f"{__name__}.OurSessions", f"{__name__}.OurUsers"], []),
        ([USERS], ["E015"]),
        ([SESSIONS, "no.such.Middleware"], ["E015"]),
        ([], ["E015", "E015"]),
        ([f"{__name__}.simple", USERS], ["W032"]),
        ([f"{__name__}.simple"], ["W032", "W032"]),
        ([f"{__name__}.OurSessions"], ["E015"]),
        ([f"{__name__}.OtherSessions", f"{__name__}.OurUsers"], ["W032"]),
    ],
)
def test_without_sessions_and_users_there_is_nobody_to_ask(middleware, missing):
    """Subclasses are as good, and what cannot be imported is Django's to report.

    Other middleware may do the work all the same, which is no error then (F-85).
    """
    with override_settings(MIDDLEWARE=middleware):
        assert found() == missing


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("signed_cookies", {"/once/", "/bound/", "/bound-class/"}),
        ("db", set()),
        ("cached_db", set()),
    ],
)
def test_what_counts_once_belongs_to_a_session_that_can_be_ended(engine, expected):
    """Said at deployment; a development server may do as it likes (B-05)."""
    gates = [
        path("window/", views.statements),
        path("once/", face_required(single_use=True)(views.know)),
        path("bound/", face_required(bind=bound)(views.know)),
        path("bound-class/", Bound.as_view()),
    ]

    with (
        addresses(*gates),
        override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"),
    ):
        assert where("W006", include_deployment_checks=True) == expected
        assert where("W006") == set()


# -- methods


class Both(views.View):
    def get(self, request):
        pass

    post = put = delete = get


class MixedBoth(FaceRequiredMixin, Both):
    face_methods = ("POST",)


DecoratedBoth = method_decorator(face_required(methods=["POST"]), name="dispatch")(
    type("DecoratedBoth", (Both,), {})
)
FOR_POST = face_required(methods=["POST"])
FOR_GET = face_required(methods=["GET"])


@pytest.mark.parametrize(
    ("view", "open_to"),
    [
        (FOR_POST(views.know), ""),
        (FOR_GET(views.know), "POST"),
        (face_required(methods=["PUT"])(views.know), ""),
        (face_required(methods=["POST", "PUT"])(views.know), ""),
        (face_required(views.know), ""),
        (require_http_methods(["GET", "POST"])(FOR_GET(views.know)), "POST"),
        (FOR_POST(require_http_methods(["GET", "POST", "PUT"])(views.know)), ""),
        (FOR_GET(require_http_methods(["GET", "POST", "PUT"])(views.know)), "POST, PUT"),
        (require_http_methods(["GET", "POST"])(FOR_POST(views.know)), ""),
        (require_http_methods(["GET", "HEAD"])(FOR_GET(views.know)), ""),
        (MixedBoth.as_view(), ""),
        (MixedBoth.as_view(face_methods=["GET"]), "DELETE, POST, PUT"),
        (MixedBoth.as_view(face_methods=["POST", "PUT", "DELETE"]), ""),
        (MixedBoth.as_view(face_methods=["FETCH"]), ""),  # E012 says so
        (DecoratedBoth.as_view(), ""),
        (FOR_GET(Both.as_view()), "DELETE, POST, PUT"),
        (views.Documents.as_view(face_methods=["POST"]), ""),
    ],
)
def test_a_gate_for_some_methods_leaves_no_other_way(view, open_to):
    """What a view says that it answers is held against what its gate covers (G-15)."""
    with addresses(path("gate/", view)):
        messages = [one.msg for one in run_checks(tags=[TAG]) if one.id == "faceauth.W007"]

    assert messages == ([f"The gate at /gate/ leaves {open_to} open."] if open_to else [])


def test_a_gate_of_one_model_for_reading_only_is_reported():
    class Reading(FaceRequiredModelAdmin):
        face_methods = ("GET",)

    office = ModelAdmin  # the default of another site is no gate
    site = FaceRequiredAdminSite(name="reading")
    site.register(Payment, Reading)
    plain = type("Plain", (FaceRequiredAdminSite,), {})(name="plain")
    plain.register(Payment, office)

    with addresses(path("reading/", site.urls), path("plain/", plain.urls)):
        assert where("W007") == {"/reading/shop/payment/"}


class Plain(ModelAdmin):
    """An admin of a model that asks for no face."""


class Gated(FaceRequiredModelAdmin):
    """One that does."""


@pytest.mark.parametrize("model", [Applicant, FaceExemption])
@pytest.mark.parametrize(
    ("site", "desk", "is_named"),
    [
        (AdminSite, Plain, True),
        (AdminSite, Gated, False),
        (FaceRequiredAdminSite, Plain, False),
    ],
)
def test_who_says_who_passes_shows_a_face(site, desk, is_named, model):
    """G-12: a site may leave our desk, and forget the gate of it."""
    office = site(name="office")
    office.register(model, desk)
    office.register(Payment, Plain)
    named = f"/office/faceauth/{model._meta.model_name}/"

    with addresses(path("office/", office.urls)):
        assert where("W017") == ({named} if is_named else set())


# -- what is kept


SECRETS = """
password new_password1 newPassword passwd client-secret api_token csrf_token
pin PIN card_cvc cvv2 otp otp_code
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_secrets_are_not_kept(name):
    """What is kept is stored as it was typed (U-10)."""
    with addresses(path("gate/", face_required(keep=["email", name])(views.know))):
        (message,) = run_checks(tags=[TAG])

    assert message.id == "faceauth.W008"
    assert repr(name) in message.msg


@pytest.mark.parametrize("name", ["email", "shipping", "opinion", "scotpin", "amount", "note"])
def test_other_names_are(name):
    with addresses(path("gate/", face_required(keep=[name])(views.know))):
        assert found() == []


# -- what is kept for how long


@pytest.mark.parametrize(("kept", "ids"), [("30h", ["E018"]), ("31h", []), (None, [])])
def test_events_are_remembered_for_as_long_as_they_may_come_again(kept, ids):
    """W-06: or one that comes back counts as new."""
    with override_settings(FACEAUTH_RETENTION={"tombstones": kept}):
        assert found() == ids


@pytest.mark.parametrize("value", [{"flow": "90d"}, {"flows": "soon"}, {"audit": "soon"}, 90])
def test_a_retention_that_cannot_be_understood_is_an_error(value):
    with override_settings(FACEAUTH_RETENTION=value):
        assert found() == ["E001"]
