"""What `manage.py check` says, finding by finding."""

from __future__ import annotations

import re
import sys
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path

from django_faceauth.checks import TAG
from django_faceauth.gate import FaceRequiredMixin, face_required
from tests.site import views


def found(**settings: object) -> list[str]:
    values = {f"FACEAUTH_{name}": value for name, value in settings.items()}
    with override_settings(**values):
        return [message.id.removeprefix("faceauth.") for message in run_checks(tags=[TAG])]


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
        ({"SIMULATOR_ENABLED": "True"}, ["E006"]),
        ({"MAX_AGE": 3601}, ["E007"]),
        ({"MAX_AGE": 0}, ["E007"]),
        ({"MAX_AGE": 60}, ["W003"]),
        ({"MAX_AGE": 120}, []),
        ({"MAX_AGE": 7200, "MAX_AGE_CEILING": 7200}, []),
        ({"WEBHOOK_SECRET_KEYS": ["short"]}, ["E001"]),
        ({"WEBHOOK_SECRET_KEYS": [""]}, ["E001"]),
        ({"WEBHOOK_SECRET_KEYS": []}, ["W004"]),
        ({"WEBHOOK_SECRET_KEY": ["k" * 40]}, ["E002"]),
        ({"CELERY": True}, []),
        ({"BEAT_SCHEDULE": {}}, []),
        ({"FALLBACK": "no-such-page"}, ["E009"]),
        ({"FALLBACK": "faceauth:start"}, ["E009"]),
        ({"FALLBACK": "/by-phone/"}, []),
        ({"NOTICES": True}, ["E016"]),
        ({"NOTICES": True, "SITE_URL": "https://bank.example/"}, []),
        ({"SITE_URL": "bank.example"}, ["E001"]),
        ({"SITE_URL": "http://bank.example"}, ["E001"]),
        ({"SITE_URL": "https://"}, ["E001"]),
        ({"CAPTURE_HOSTS": ["https://id.checkout.com"]}, ["E008"]),
        ({"CAPTURE_HOSTS": [""]}, ["E008"]),
        ({"CAPTURE_HOSTS": ["*.checkout.com"]}, ["E008"]),
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
