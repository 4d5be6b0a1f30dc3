"""OAuth 2.0 client credentials."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
import responses
from django.test import override_settings

from django_faceauth.exceptions import AccessDenied, MalformedAnswer, Rejected, Unavailable
from django_faceauth.provider import factory
from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import ClientCredentials
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret
from django_faceauth.simulator.adapter import SimulatorAdapter
from tests.provider.samples import (
    APPLICANT,
    ATTEMPT,
    AUTHENTICATION,
    BACK,
    FAV,
    HOST,
    JOURNEY,
    TOKEN_URL,
    Clock,
    patient,
)

OAUTH = {"FACEAUTH_OAUTH_CLIENT_ID": "ack_1", "FACEAUTH_OAUTH_CLIENT_SECRET": lambda: "s3cret"}


class Tokens:
    """A token endpoint that numbers its tokens, and an API that knows which are good."""

    def __init__(self, network):
        self.lifetime: object = 3600
        self.given = 0
        self.refuses: set[str] = set()
        self.refusal = 401
        self.asked: list[str] = []
        network.add_callback(responses.POST, TOKEN_URL, self._token)
        for method in (responses.GET, responses.POST):
            network.add_callback(method, re.compile(HOST), self._api)

    def _token(self, request):
        self.given += 1
        body = {"access_token": f"token-{self.given}", "token_type": "Bearer"}
        return self._told(200, body | {"expires_in": self.lifetime})

    def _api(self, request):
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.asked.append(token)
        if token in self.refuses or "all" in self.refuses:
            return self.refusal, {}, ""
        return self._told(200, ATTEMPT if request.method == "POST" else AUTHENTICATION)

    def _told(self, status, body):
        return status, {"Content-Type": "application/json"}, json.dumps(body)


@pytest.fixture
def tokens(network):
    return Tokens(network)


@pytest.fixture
def wrist_watch():
    return Clock()


@pytest.fixture
def credentials(wrist_watch):
    transport = patient(wrist_watch)
    return ClientCredentials(transport, TOKEN_URL, "ack_1", Secret("s3cret"), clock=wrist_watch)


@pytest.fixture
def client(credentials):
    return Client(HOST, credentials, credentials.transport)


class TestAsking:
    def test_the_form_is_the_one_of_the_documentation(self, network, tokens, credentials):
        credentials.token()

        sent = network.calls[0].request
        assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert "Authorization" not in sent.headers
        assert parse_qs(str(sent.body)) == {
            "grant_type": ["client_credentials"],
            "client_id": ["ack_1"],
            "client_secret": ["s3cret"],
            "scope": ["identity-verification"],
        }
        assert sent.headers["Content-Length"] == str(len(str(sent.body)))

    @pytest.mark.parametrize(
        ("lifetime", "used"), [(3600, 3540), (10, 5), (60, 30), (119, 59.5), (0.5, 0.25)]
    )
    def test_a_token_is_reused_until_a_minute_before_it_expires_or_half_of_a_short_life(
        self, tokens, client, wrist_watch, lifetime, used
    ):
        tokens.lifetime = lifetime

        client.get_authentication(FAV)
        wrist_watch.now += used - 0.01
        client.get_authentication(FAV)
        wrist_watch.now += 0.02
        client.get_authentication(FAV)

        assert tokens.asked == ["token-1", "token-1", "token-2"]
        assert tokens.given == 2

    def test_fifty_threads_ask_for_one_token(self):
        class Endpoint(SimulatorAdapter):
            asked = 0

            def send(self, request, *args, **kwargs):
                self.asked += 1
                time.sleep(0.02)
                return super().send(request)

        endpoint = Endpoint()
        credentials = ClientCredentials(
            Transport(adapter=endpoint), TOKEN_URL, "ack_1", Secret("s3cret")
        )
        start = threading.Barrier(50)

        def take(_):
            start.wait(timeout=10)
            return credentials.token().reveal()

        with (
            override_settings(**OAUTH),
            ThreadPoolExecutor(50) as threads,
        ):
            taken = set(threads.map(take, range(50)))

        assert endpoint.asked == 1
        assert len(taken) == 1


class TestRefusal:
    def test_a_refused_token_is_renewed_and_the_request_repeated_unchanged(
        self, network, tokens, client
    ):
        """A 401 was not carried out, so this is no repetition in the sense of D-06."""
        tokens.refuses = {"token-1"}

        client.create_attempt(FAV, redirect_url=BACK)
        client.get_authentication(FAV)

        assert tokens.asked == ["token-1", "token-2", "token-2"]
        first, second, _ = (call.request for call in network.calls if call.request.url != TOKEN_URL)
        assert first.body == second.body
        assert first.headers["Cko-Idempotency-Key"] == second.headers["Cko-Idempotency-Key"]

    @pytest.mark.parametrize(("status", "given"), [(401, 2), (403, 1)])
    def test_a_second_401_or_a_403_is_final(self, tokens, client, status, given):
        tokens.refuses, tokens.refusal = {"all"}, status

        with pytest.raises(AccessDenied) as caught:
            client.get_authentication(FAV)

        assert caught.value.status_code == status
        assert tokens.given == len(tokens.asked) == given

    def test_a_token_that_another_thread_has_renewed_is_not_given_up(self, tokens, credentials):
        stale = credentials.token()
        assert credentials.renew(stale)
        fresh = credentials.token()

        assert credentials.renew(stale)

        assert credentials.token() == fresh
        assert tokens.given == 2


class TestTokenEndpoint:
    @pytest.mark.parametrize(
        "body",
        [
            *({"access_token": token, "expires_in": 3600} for token in (None, "", 1, ["t"])),
            *({"access_token": "t", "expires_in": life} for life in (None, "3600", 0, -1)),
            *({}, []),
        ],
        ids=str,
    )
    def test_an_answer_without_a_usable_token_is_malformed(self, network, client, body):
        network.add(responses.POST, TOKEN_URL, json=body)

        with pytest.raises(MalformedAnswer) as caught:
            client.get_authentication(FAV)

        assert caught.value.operation == "token"

    @pytest.mark.parametrize(
        ("status", "error"),
        [(400, Rejected), (401, AccessDenied), (403, AccessDenied), (500, Unavailable)],
    )
    def test_a_failing_endpoint_fails_one_call(self, network, client, status, error):
        network.add(responses.POST, TOKEN_URL, json={"error": "invalid_client"}, status=status)

        with pytest.raises(error) as caught:
            client.get_authentication(FAV)

        assert caught.value.operation == "token"
        assert len(network.calls) == 1
        network.reset()
        Tokens(network)
        assert client.get_authentication(FAV).id == FAV


@pytest.mark.usefixtures("db")
@override_settings(FACEAUTH_SECRET_KEY=None, **OAUTH)
def test_the_site_calls_with_client_credentials(provider):
    client = factory.get_client()

    created = client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)

    assert client.get_authentication(created.id) == created
    for client_id, secret in (("ack_2", "s3cret"), ("ack_1", "wrong")):
        transport = Transport(adapter=provider)
        credentials = ClientCredentials(transport, TOKEN_URL, client_id, Secret(secret))
        with pytest.raises(AccessDenied) as caught:
            Client(HOST, credentials, transport).get_authentication(FAV)
        assert caught.value.operation == "token"
