"""How the bank is pointed somewhere else, from the environment."""

from __future__ import annotations

from runpy import run_path

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_faceauth.conf import KNOWN, PREFIX
from tests.server import MANAGE

SETTINGS = MANAGE.parent / "bank" / "settings.py"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in ("DATABASE_URL", "HOST", "PORT", *(PREFIX + name for name in KNOWN)):
        monkeypatch.delenv(name, raising=False)


def settings():
    """Return the settings that the environment gives now."""
    return run_path(str(SETTINGS))


def test_every_setting_can_be_given():
    assert set(settings()["FROM_ENVIRONMENT"]) == {PREFIX + name for name in KNOWN}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SECRET_KEY", "sk_other", "sk_other"),
        ("MAX_AGE", "240", 240),
        ("TIMEOUT", "0.5,2", [0.5, 2.0]),
        ("WEBHOOK_SECRET_KEYS", "one,other", ["one", "other"]),
        ("RETENTION", "flows=30d,events=7d", {"flows": "30d", "events": "7d"}),
        ("RATE_LIMITS", '{"site": "7/h"}', {"site": "7/h"}),
        ("POLL_RATE", "2.5", 2.5),
        ("SIMULATOR_ENABLED", "true", True),
        ("NETWORK_POLICY", "deny", "deny"),
        ("SIMULATOR_CHECK_SECONDS", "0.5", 0.5),
    ],
)
def test_environment_wins(monkeypatch, name, text, value):
    monkeypatch.setenv(PREFIX + name, text)

    assert settings()[PREFIX + name] == value


def test_simulator_is_where_the_server_is(monkeypatch):
    monkeypatch.setenv("PORT", "9123")

    moved = settings()

    assert moved["FACEAUTH_BASE_URL"] == "http://127.0.0.1:9123/simulator"
    assert "127.0.0.1:9123" in moved["FACEAUTH_CAPTURE_HOSTS"]
    assert "127.0.0.1:9123" in moved["FACEAUTH_ASSET_HOSTS"]
    assert moved["FACEAUTH_SIMULATOR_WEBHOOK_URL"] == "http://127.0.0.1:9123/face/webhook/"


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({}, "FACEAUTH_WEBHOOK_SECRET_KEYS", ["for-the-demo-only-this-key-is-public"]),
        # the key that is public is for the simulator alone
        ({"FACEAUTH_BASE_URL": "https://x.checkout.com"}, "FACEAUTH_WEBHOOK_SECRET_KEYS", []),
        ({"FACEAUTH_OAUTH_CLIENT_ID": "client"}, "FACEAUTH_SECRET_KEY", ""),
    ],
)
def test_one_value_decides_about_another(monkeypatch, given, name, value):
    for variable, text in given.items():
        monkeypatch.setenv(variable, text)

    assert settings()[name] == value


@pytest.mark.parametrize(("name", "text"), [("BANK_BRAND", "lagoon"), ("HOST", "192.0.2.1")])
def test_values_that_make_no_bank(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ImproperlyConfigured, match="must be"):
        settings()
