"""P-03: TLS verification cannot be turned off; a client certificate can be shown."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from django.test import override_settings

from django_faceauth import conf
from django_faceauth.provider import factory
from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import ClientCredentials
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret
from django_faceauth.simulator.adapter import SimulatorAdapter
from tests.provider.samples import APPLICANT, BACK, FAV, HOST, JOURNEY, TOKEN_URL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Ignore the certificate authorities of this machine."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Observer(SimulatorAdapter):
    """The simulator, with a record of how it was called."""

    def __init__(self):
        super().__init__()
        self.seen: list[dict[str, Any]] = []

    def send(self, request, *args, **kwargs):
        assert not args
        self.seen.append(kwargs)
        return super().send(request)


@pytest.fixture
def observer():
    return Observer()


def calls_everything(client):
    fav = client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY).id
    attempt = client.create_attempt(fav, redirect_url=BACK)
    client.get_authentication(fav)
    client.get_attempt(fav, attempt.id)
    client.list_attempts(fav)
    client.list_assets(fav, attempt.id)
    client.anonymize_authentication(fav)


@override_settings(FACEAUTH_OAUTH_CLIENT_ID="ack_1", FACEAUTH_OAUTH_CLIENT_SECRET="s3cret")
def test_every_request_verifies_the_provider_and_nothing_changes_that(observer):
    transport = Transport(adapter=observer)
    credentials = ClientCredentials(transport, TOKEN_URL, "ack_1", Secret("s3cret"))

    calls_everything(Client(HOST, credentials, transport))
    with pytest.raises(TypeError):
        transport.send("x", "GET", f"{HOST}/face-authentications/{FAV}", verify=False)

    assert [seen["verify"] for seen in observer.seen] == [True] * 8
    parameters = {*inspect.signature(Transport).parameters, *inspect.signature(Client).parameters}
    switches = re.compile("verif|insecure", re.IGNORECASE)
    assert not [*filter(switches.search, [*parameters, *conf.KNOWN])]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(("value", "verify"), [("", True), ("corporate.pem", "corporate.pem")])
def test_the_environment_names_authorities_only(observer, monkeypatch, name, value, verify):
    monkeypatch.setenv(name, value)

    with factory.answered_by(observer):
        calls_everything(factory.get_client())

    assert {seen["verify"] for seen in observer.seen} == {verify}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        ("client.pem", "client.pem"),
        (("client.pem", "client.key"), ("client.pem", "client.key")),
        (["client.pem", "client.key"], ("client.pem", "client.key")),
    ],
)
def test_the_configured_certificate_is_sent_and_netrc_ignored(
    observer, monkeypatch, tmp_path, given, shown
):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with override_settings(FACEAUTH_CLIENT_CERTIFICATE=given), factory.answered_by(observer):
        calls_everything(factory.get_client())  # the simulator accepts the key only

    assert [seen["cert"] for seen in observer.seen] == [shown] * 7
