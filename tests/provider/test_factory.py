"""The client of the settings."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_faceauth.exceptions import AccessDenied, ConfigurationError
from django_faceauth.provider.client import Client
from django_faceauth.provider.factory import get_client, get_workflows_client
from tests.provider.samples import APPLICANT, JOURNEY

OAUTH = {
    "FACEAUTH_SECRET_KEY": None,
    "FACEAUTH_OAUTH_CLIENT_ID": "ack_1",
    "FACEAUTH_OAUTH_CLIENT_SECRET": "s3cret",
}


@pytest.mark.parametrize(
    "changed",
    [
        {"FACEAUTH_SECRET_KEY": "sk_sbox_other"},
        {"FACEAUTH_ENVIRONMENT": "live"},
        {"FACEAUTH_BASE_URL": "https://a1b2c3d4.api.sandbox.checkout.com"},
        {"FACEAUTH_TOKEN_URL": "https://access.checkout.com/other/token"},
        {"FACEAUTH_TIMEOUT": (1, 2)},
        {"FACEAUTH_CLIENT_CERTIFICATE": "client.pem"},
        {"FACEAUTH_CLIENT_CERTIFICATE": ["client.pem", "client.key"]},
        OAUTH,
    ],
    ids=" ".join,
)
def test_changed_settings_return_another_client_at_once(changed):
    before = get_client()
    assert get_client() is before

    with override_settings(**changed):
        assert get_client() is not before
        assert get_client() is get_client()

    assert get_client() is before


@pytest.mark.usefixtures("db")
def test_a_changed_key_is_used_at_once():
    fav = get_client().create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY).id
    key = "sk_sbox_wrong"

    with override_settings(FACEAUTH_SECRET_KEY=lambda: key):
        assert get_client().get_authentication(fav).id == fav  # the simulator reads it, too
        stale = get_client()
        key = "sk_sbox_rotated"
        assert get_client() is not stale
        assert get_client().get_authentication(fav).id == fav
        with pytest.raises(AccessDenied):
            stale.get_authentication(fav)


@pytest.mark.parametrize(
    "given",
    [
        {"FACEAUTH_SECRET_KEY": None},
        {"FACEAUTH_SECRET_KEY": ""},
        {"FACEAUTH_SECRET_KEY": lambda: ""},
        {"FACEAUTH_SECRET_KEY": None, "FACEAUTH_OAUTH_CLIENT_ID": "ack_1"},
        {"FACEAUTH_SECRET_KEY": None, "FACEAUTH_OAUTH_CLIENT_SECRET": "s3cret"},
        {**OAUTH, "FACEAUTH_SECRET_KEY": "sk_sbox_test"},
        {"FACEAUTH_OAUTH_CLIENT_ID": "ack_1"},
        {"FACEAUTH_SECRET_KEY": 7},
    ],
    ids=" ".join,
)
def test_unusable_credentials_are_an_error(given):
    with override_settings(**given), pytest.raises(ConfigurationError) as caught:
        get_client()

    assert isinstance(caught.value, ImproperlyConfigured)
    assert "FACEAUTH_" in str(caught.value)
    assert "s3cret" not in str(caught.value)


ACCOUNT = "https://abc.api.checkout.com"
DEFAULT = "https://identity-verification.sandbox.checkout.com"


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({}, "https://api.sandbox.checkout.com"),
        ({"FACEAUTH_ENVIRONMENT": "live"}, "https://api.checkout.com"),
        ({"FACEAUTH_BASE_URL": DEFAULT}, "https://api.sandbox.checkout.com"),
        ({"FACEAUTH_BASE_URL": ACCOUNT}, ACCOUNT),
        ({"FACEAUTH_WORKFLOWS_URL": ACCOUNT}, ACCOUNT),
        (
            {"FACEAUTH_BASE_URL": "http://127.0.0.1:8000/simulator", "DEBUG": True},
            "http://127.0.0.1:8000/simulator",
        ),
    ],
    ids=str,
)
def test_workflows_are_on_the_host_of_the_environment_the_account_or_the_simulator(
    provider, given, host
):
    called = []

    def trouble(provider, request):
        called.append(str(request.url))
        return provider.answer(request, 200, "{}")

    provider.troubles.append(trouble)
    with override_settings(**given):
        get_workflows_client().list_workflows()

    assert called == [f"{host}/workflows"]


@pytest.mark.parametrize(
    "name", ["FACEAUTH_BASE_URL", "FACEAUTH_TOKEN_URL", "FACEAUTH_WORKFLOWS_URL"]
)
def test_the_key_goes_to_the_provider_only(name):
    """P-01: other URLs are configuration errors, before any call; loopback needs DEBUG."""
    for url in ("https://checkout.com.evil.com", "http://127.0.0.1:8000/simulator", ""):
        with override_settings(**{name: url}), pytest.raises(ConfigurationError, match=name):
            get_workflows_client() if "WORKFLOWS" in name else get_client()
    with override_settings(**{name: "http://127.0.0.1:8000/simulator/"}, DEBUG=True):
        assert isinstance(get_client(), Client)
