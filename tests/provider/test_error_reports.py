"""P-05, U-07, V-01: error reports, logs and `repr` show no secrets."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable
from functools import partial
from pprint import pformat

import pytest
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_faceauth.exceptions import (
    AccessDenied,
    ConfigurationError,
    FaceAuthError,
    MalformedAnswer,
    ProviderError,
    Rejected,
    Unavailable,
)
from django_faceauth.provider import factory
from django_faceauth.provider.client import Client, PhoneNumber
from django_faceauth.provider.credentials import ClientCredentials, SecretKey
from django_faceauth.provider.resources import AssetSnapshot, AttemptSnapshot
from django_faceauth.provider.transport import Bearer, Transport
from django_faceauth.secret import Secret
from tests.provider import canaries
from tests.provider.loopback import Answer, repeats_everything, resets, serving, stays_silent, tells
from tests.provider.samples import ATTEMPT, BACK, FATP, FAV, patient

pytestmark = pytest.mark.enable_socket

Call = Callable[[Client], object]

EVERY_ATTEMPT = {"id": FATP, "_links": {"verification_url": {"href": canaries.CAPTURE}}}
WITHOUT_ID = EVERY_ATTEMPT | {"id": None}


def attempts(client):
    phone = PhoneNumber("+33", canaries.phone())
    return client.create_attempt(FAV, redirect_url=BACK, phone_number=phone)


def reads(client):
    return client.get_attempt(FAV, FATP)


def lists(client):
    return client.list_attempts(FAV)


def assets(client):
    return client.list_assets(FAV, FATP)


def with_key(url, key=canaries.KEY, *, read=10):
    return Client(url, SecretKey(Secret(key)), patient(read=read))


def with_oauth(url, secret=canaries.CLIENT_SECRET):
    transport = patient()
    token_url = f"{url}/connect/token"
    return Client(url, ClientCredentials(transport, token_url, "ack_1", Secret(secret)), transport)


def gives_tokens(answer):
    """Let the token endpoint give a token, and the API the `answer`."""
    token = tells({"access_token": canaries.TOKEN, "expires_in": 3600})

    def either(handler, request):
        (token if request.path == "/connect/token" else answer)(handler, request)

    return either


def sends_a_file(handler, request):
    """Answer everything that was sent, as a page of a debugger."""
    body = f"<pre>{request.headers} {request.body!r} {canaries.CAPTURE}</pre>".encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def breaks_off(handler, request):
    """Send the capture URL and half of the promised rest."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(json.dumps(ATTEMPT | EVERY_ATTEMPT).encode())
    handler.close_connection = True


def entries(*values):
    return tells({"data": [EVERY_ATTEMPT, *values]})


MALFORMED_TOKEN = {
    "access_token": [canaries.TOKEN],
    "expires_in": canaries.TOKEN,
    "refresh_token": canaries.TOKEN,
    canaries.TOKEN: 1,
}

#: What fails, the client, the call, and the error that the site sees.
FAILURES: dict[str, tuple[Answer, Callable[[str], Client], Call, type[ProviderError]]] = {
    "reset": (resets, with_key, attempts, Unavailable),
    "timeout": (stays_silent, partial(with_key, read=0.1), attempts, Unavailable),
    "broken off": (breaks_off, with_key, reads, Unavailable),
    "400": (repeats_everything(400), with_key, attempts, Rejected),
    "500": (repeats_everything(500), with_key, reads, Unavailable),
    "no JSON": (sends_a_file, with_key, attempts, MalformedAnswer),
    "redirect": (
        *(tells(EVERY_ATTEMPT, 302, Location=canaries.CAPTURE), with_key, reads, MalformedAnswer),
    ),
    "new attempt without an id": (tells(WITHOUT_ID), with_key, attempts, MalformedAnswer),
    "another attempt": (
        *(tells(EVERY_ATTEMPT | {"id": "fatp_other"}), with_key, reads, MalformedAnswer),
    ),
    "page with an attempt without an id": (entries(WITHOUT_ID), with_key, lists, MalformedAnswer),
    "page of assets with a text": (entries(canaries.CAPTURE), with_key, assets, MalformedAnswer),
    "token refused": (repeats_everything(401), with_oauth, attempts, AccessDenied),
    "token failed": (repeats_everything(500), with_oauth, attempts, Unavailable),
    "token malformed": (tells(MALFORMED_TOKEN), with_oauth, attempts, MalformedAnswer),
    "call with a token refused twice": (
        *(gives_tokens(repeats_everything(401)), with_oauth, attempts, AccessDenied),
    ),
}

#: Secrets that cannot be sent: what a header or a form has no place for.
UNSENDABLE = ["{}\n", "{}\r\nX-Evil: 1", "{}\u20ac", "{}\udcff", "{}\0"]


def shown_of(error):
    """Everything that Django, Python and `logging` show of an error."""
    found = {
        "text": f"{error} {error!r} {error.args} {vars(error)}",
        "traceback": "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        ),
        "pickle": repr(pickle.dumps(error)),
    }
    for debug in (True, False):
        with override_settings(DEBUG=debug):
            report = ExceptionReporter(None, type(error), error, error.__traceback__)
            found[f"page, DEBUG={debug}"] = report.get_traceback_html()
            found[f"mail, DEBUG={debug}"] = report.get_traceback_text()
    return found


def assert_nothing_leaks(shown):
    leaks = [(place, name) for place, text in shown.items() for name in canaries.found_in(text)]
    assert leaks == []


def assert_error_shows_nothing(error, log):
    assert error.__cause__ is error.__context__ is None
    assert_nothing_leaks(shown_of(error) | {"log": log.text})


@pytest.mark.parametrize(
    ("answer", "client_at", "call", "kind"), FAILURES.values(), ids=FAILURES.keys()
)
def test_no_failure_shows_a_secret(log, answer, client_at, call, kind):
    with serving(answer) as server, pytest.raises(ProviderError) as caught:
        call(client_at(server.url))

    assert type(caught.value) is kind
    assert_error_shows_nothing(caught.value, log)


@pytest.mark.parametrize("client_at", [with_key, with_oauth])
def test_a_refused_connection_shows_no_secret(log, client_at):
    with serving(resets) as server:
        url = server.url

    with pytest.raises(Unavailable) as caught:
        attempts(client_at(url))

    assert_error_shows_nothing(caught.value, log)


@pytest.mark.parametrize("shape", UNSENDABLE)
@pytest.mark.parametrize(("client_at", "name"), [(with_key, "KEY"), (with_oauth, "CLIENT_SECRET")])
def test_a_secret_that_cannot_be_sent_is_not_shown(log, client_at, name, shape):
    with serving(repeats_everything(401)) as server, pytest.raises(ProviderError) as caught:
        reads(client_at(server.url, shape.format(getattr(canaries, name))))

    assert_error_shows_nothing(caught.value, log)
    assert not [request for request in server.requests if "X-Evil" in request.headers]


@pytest.mark.parametrize("shape", [*UNSENDABLE, "{}"])
def test_a_token_that_cannot_be_sent_is_not_shown(log, shape):
    token = tells({"access_token": shape.format(canaries.TOKEN), "expires_in": 3600})
    with serving(token, repeats_everything(401)) as server:
        client = with_oauth(server.url)
        with pytest.raises(ProviderError) as caught:
            attempts(client)

    assert_nothing_leaks(shown_of(caught.value) | {"log": log.text})


@pytest.mark.parametrize(
    "given",
    [
        {"FACEAUTH_OAUTH_CLIENT_ID": "ack_1"},
        {"FACEAUTH_BASE_URL": "http://evil.com"},
        {"FACEAUTH_TOKEN_URL": "http://evil.com"},
        {"FACEAUTH_TIMEOUT": "soon"},
    ],
    ids=str,
)
@override_settings(
    FACEAUTH_SECRET_KEY=canaries.KEY, FACEAUTH_OAUTH_CLIENT_SECRET=canaries.client_secret
)
def test_a_configuration_error_shows_no_secret(given):
    with override_settings(**given), pytest.raises(ConfigurationError) as caught:
        factory.get_client()

    with override_settings(**given):
        assert_nothing_leaks(shown_of(caught.value))


def test_an_error_of_the_site_itself_shows_no_secret():
    """The frames of a view hold the client and its results."""
    answer = gives_tokens(tells(EVERY_ATTEMPT | {"data": [EVERY_ATTEMPT]}))
    with serving(answer) as server, pytest.raises(ZeroDivisionError) as caught:
        a_view_that_fails(with_oauth(server.url), with_key(server.url))

    assert_nothing_leaks(shown_of(caught.value))


def a_view_that_fails(client, other):
    attempt = client.get_attempt(FAV, FATP)
    page = client.list_attempts(FAV)
    phone = PhoneNumber("+33", canaries.phone())
    inside = [vars(client), vars(other), vars(client.credentials), vars(client.transport)]
    assert attempt.capture_url == page.items[0].capture_url == canaries.CAPTURE
    assert [phone, inside]
    1 / 0  # noqa: B018


def test_calls_are_logged_on_one_line(log):
    answer = gives_tokens(tells(EVERY_ATTEMPT, Cko_Request_Id="0HL80-1"))
    with serving(answer) as server:
        attempts(with_oauth(server.url))
        attempts(with_key(server.url))
    answer = tells({"error_codes": ["a__invalid"]}, 422, Cko_Request_Id="0HL80-1")
    with serving(answer) as server, pytest.raises(FaceAuthError):
        attempts(with_key(server.url))

    assert "create_attempt status=200 request_id=0HL80-1" in log.text
    assert_nothing_leaks({"log": log.text})
    assert [record.getMessage() for record in log.records if record.levelname == "WARNING"] == [
        "provider: create_attempt failed status=422 request_id=0HL80-1 codes=a__invalid"
    ]


def test_nothing_of_ours_shows_a_secret_when_printed():
    key, secret = Secret(canaries.KEY), Secret(canaries.CLIENT_SECRET)
    transport = Transport()
    oauth = ClientCredentials(transport, "https://access.checkout.com/x", "ack_1", secret)
    attempt = AttemptSnapshot.parse(EVERY_ATTEMPT, operation="x")
    things = [
        *(SecretKey(key), Client("https://x", SecretKey(key), transport), transport, oauth),
        *(Client("https://x", oauth), Bearer(key.reveal), vars(Bearer(key.reveal)), vars(oauth)),
        *(attempt, AssetSnapshot("face_image", canaries.CAPTURE)),
        PhoneNumber("+33", canaries.phone()),
    ]

    shown = {pformat(thing): f"{thing} {thing!r} {[thing]} {pformat(thing)}" for thing in things}

    assert_nothing_leaks(shown)


def test_the_search_would_find_a_leak():
    with pytest.raises(ZeroDivisionError) as caught:
        leaks(canaries.KEY, [canaries.CAPTURE])

    shown = shown_of(caught.value)

    for place in ("traceback", "page, DEBUG=True", "page, DEBUG=False"):
        assert {"KEY", "CAPTURE"} <= set(canaries.found_in(shown[place]))


def leaks(one, other):
    1 / 0  # noqa: B018
