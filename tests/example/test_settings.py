"""How the bank is pointed somewhere else, from the environment."""

from __future__ import annotations

from runpy import run_path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_faceauth.conf import KNOWN, PREFIX
from tests.server import MANAGE

SETTINGS = MANAGE.parent / "bank" / "settings.py"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "HOST", "PORT", *(PREFIX + name for name in KNOWN)):
        monkeypatch.delenv(name, raising=False)


def settings() -> dict[str, Any]:
    """Return the settings that the environment gives now."""
    return run_path(str(SETTINGS))


def test_every_setting_can_be_given() -> None:
    """The table names what the package reads, and nothing else."""
    assert set(settings()["FROM_ENVIRONMENT"]) == {PREFIX + name for name in KNOWN}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SECRET_KEY", "sk_other", "sk_other"),
        ("BASE_URL", "https://x.checkout.com", "https://x.checkout.com"),
        ("CAPTURE_HOSTS", ".a.example,b.example", [".a.example", "b.example"]),
        ("MAX_AGE", "240", 240),
        ("TIMEOUT", "0.5,2", [0.5, 2.0]),
        ("WEBHOOK_SECRET_KEYS", "one,other", ["one", "other"]),
        ("WEBHOOK_NETWORKS", "192.0.2.0/24", ["192.0.2.0/24"]),
        ("TRUSTED_PROXIES", "1", 1),
        ("ACR", "urn:bank.example:face", "urn:bank.example:face"),
        ("REDIRECT_ALLOWLIST", "bank:/one,bank:/other", ["bank:/one", "bank:/other"]),
        ("RETENTION", "flows=30d,events=7d", {"flows": "30d", "events": "7d"}),
        ("RATE_LIMITS", '{"site": "7/h"}', {"site": "7/h"}),
        ("CELERY", "true", True),
        ("POLL_RATE", "2.5", 2.5),
        ("SIMULATOR_ENABLED", "true", True),
        ("SIMULATOR_CHECK_SECONDS", "0.5", 0.5),
    ],
)
def test_environment_wins(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    """What the environment gives replaces the bank's own value, in its type."""
    monkeypatch.setenv(PREFIX + name, text)

    assert settings()[PREFIX + name] == value


def test_the_bank_has_two_brands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_BRAND", "lagoon")
    with pytest.raises(ImproperlyConfigured, match="harbour or meadow"):
        settings()


def test_simulator_is_where_the_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another port moves the whole demo."""
    monkeypatch.setenv("PORT", "9123")

    moved = settings()

    assert moved["FACEAUTH_BASE_URL"] == "http://127.0.0.1:9123/simulator"
    assert "127.0.0.1:9123" in moved["FACEAUTH_CAPTURE_HOSTS"]
    assert "127.0.0.1:9123" in moved["FACEAUTH_ASSET_HOSTS"]
    assert moved["FACEAUTH_SIMULATOR_WEBHOOK_URL"] == "http://127.0.0.1:9123/face/webhook/"


def test_the_key_that_everybody_knows_is_for_the_simulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another provider has its own key, or none."""
    assert all(len(key) >= 32 for key in settings()["FACEAUTH_WEBHOOK_SECRET_KEYS"])

    monkeypatch.setenv("FACEAUTH_BASE_URL", "https://provider.checkout.com")

    assert settings()["FACEAUTH_WEBHOOK_SECRET_KEYS"] == []


def test_oauth_takes_the_place_of_the_demo_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both at once would be a mistake."""
    monkeypatch.setenv("FACEAUTH_OAUTH_CLIENT_ID", "client")

    assert settings()["FACEAUTH_SECRET_KEY"] == ""


def test_other_databases_get_no_pragma(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tuned for SQLite stays there."""
    monkeypatch.setenv("DATABASE_URL", "postgres://bank@localhost/bank")

    assert "OPTIONS" not in settings()["DATABASES"]["default"]
