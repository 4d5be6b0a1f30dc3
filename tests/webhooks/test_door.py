"""Responses of the webhook endpoint, and what it stores."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import tracemalloc
from itertools import pairwise, product

import pytest
from django.core.handlers.base import BaseHandler
from django.db import OperationalError, connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from django_faceauth import webhooks
from django_faceauth.models import WebhookEvent
from django_faceauth.provider.signatures import HEADER
from tests.webhook_deliveries import KEY, URL, deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FAV = "fav_" + "a" * 26
OLD, NEW = "the-old-key-of-more-than-32-characters", "the-new-key-of-more-than-32-characters"
REFUSED = b"refused"


def kept() -> list[str]:
    return list(WebhookEvent.objects.values_list("event_id", flat=True))


# -- what is good


def test_a_genuine_delivery_is_stored_once_and_answered_with_200():
    """Exactly 200, with next to nothing in it (W-12); once, whatever else the body says (W-06)."""
    envelope = event(FAV, "opened")

    answer = deliver(envelope)

    assert (answer.status_code, answer.content) == (200, b"ok")
    row = WebhookEvent.objects.get()
    assert (row.event_id, row.type) == (envelope["id"], "face_authentication_opened")
    assert (row.provider_id, row.applicant_id) == (FAV, "aplt_" + "a" * 26)
    assert row.size == len(json.dumps(envelope))
    assert row.created_on is not None

    assert deliver(envelope).status_code == 200
    assert deliver(envelope | {"version": "2"}).status_code == 200
    assert kept() == [envelope["id"]]


@pytest.mark.parametrize("name", ["identity_verification_started", "x" * 60_000, "\x00é\r\n\ud800"])
def test_events_of_unknown_types_are_acknowledged_and_ignored(name):
    """Of other products too, whatever their name is written with (F-44, W-21)."""
    answer = deliver({"id": "evt_" + "z" * 26, "type": name, "data": {}})

    assert answer.status_code == 200
    row = WebhookEvent.objects.get()
    assert (row.state, row.due_at, row.provider_id) == ("ignored", None, "")
    assert row.type.isascii()
    assert len(row.type) <= 100


def test_the_raw_bytes_are_what_was_signed():
    """W-01: with its line ends, spaces and order of members."""
    body = json.dumps(event(FAV) | {"note": "© é"}, indent=3, ensure_ascii=False).encode() + b"\r\n"

    assert deliver(body).status_code == 200


# -- what is refused


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
def test_only_post_will_do(method):
    answer = getattr(Client(), method)(URL)

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("Application/JSON; charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("application/cloudevents+json", 200),
        ("", 415),
        ("text/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json; charset=latin-1", 415),
    ],
)
def test_only_json_will_do(content_type, status):
    """W-10."""
    assert deliver(event(FAV), content_type=content_type).status_code == status
    assert len(kept()) == (status == 200)


@pytest.mark.parametrize(
    ("length", "size"),
    [
        *(("1", 70_000), ("65536", 70_000), ("", 70_000), (None, 70_000)),
        *((length, 0) for length in ("65537", "999999999999", "-1", "1e3", "²")),
    ],
)
def test_a_wrong_length_does_not_help(length, size):
    """W-09: what is read is limited too; a length out of bounds is not read at all."""
    request = RequestFactory().post(URL, b" " * size or b"{}", content_type="application/json")
    request.META["CONTENT_LENGTH"] = length
    if not size:
        request._stream = None

    assert webhooks.webhook(request).status_code == 413


@pytest.mark.parametrize(
    ("signature", "keys"),
    [
        *(("", [KEY]), ("0" * 64, [KEY]), ("no hex", [KEY]), ("\u00e9" * 64, [KEY])),
        *(("1711537367.5:1-test-v1:MIGI", [KEY]), (None, [])),
    ],
)
def test_a_wrong_signature_is_refused_with_constant_text(signature, keys):
    """Missing, wrong, malformed, of the other dialect, without keys (W-11, TH-09, TH-24)."""
    with override_settings(FACEAUTH_WEBHOOK_SECRET_KEYS=keys):
        answer = deliver(event(FAV), signature=signature)

    assert (answer.status_code, answer.content) == (401, REFUSED)
    assert kept() == []


def test_hundreds_of_forgeries_leave_nothing():
    """No row, not one statement, no memory (W-18, TH-17)."""
    site = BaseHandler()  # the test client keeps a little of every request
    site.load_middleware()
    body = json.dumps(event(FAV)).encode()

    def forge(times):
        for _ in range(times):
            request = RequestFactory().post(
                URL, body, content_type="application/json", headers={HEADER: "0" * 64}
            )
            assert site.get_response(request).status_code == 401
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    logging.disable()  # pytest keeps what is logged
    forge(1)
    tracemalloc.start()
    with CaptureQueriesContext(connection) as statements:
        memory = [forge(0), *(forge(60) for _ in range(4))]
    tracemalloc.stop()
    logging.disable(logging.NOTSET)

    assert len(statements) == 0
    assert kept() == []
    # A table of Python's own may grow once; what is kept of each would show every time.
    assert min(after - before for before, after in pairwise(memory)) < 12_000


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"id": "evt_1"}', b'{"a": 1, "a": 2}'])
def test_what_is_genuine_and_unusable_is_put_aside(body):
    """Its digest and size are kept, its content is not."""
    answer = deliver(body)

    assert answer.status_code == 400
    row = WebhookEvent.objects.get()
    assert row.event_id == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert (row.state, row.size, row.type, row.due_at) == ("failed", len(body), "", None)
    assert row.error

    assert deliver(body).status_code == 400
    assert len(kept()) == 1


def test_no_secret_and_no_body_is_logged(caplog):
    """PEERS had both; only the number of the key is told."""
    caplog.set_level(logging.DEBUG)
    envelope = event(FAV, canary="canary of the body")

    for signature in (None, "0" * 64, "canary of the header"):
        deliver(envelope, signature=signature, Authorization="canary of the header")
    deliver(b'{"canary of the body": 1}')

    assert "canary" not in caplog.text
    assert KEY not in caplog.text
    assert "key=0" in caplog.text


# -- keys


def test_keys_are_rotated_without_a_gap(settings):
    """Add the new, let the provider switch, drop the old: nothing is lost (W-15, TH-13)."""
    answers = []
    for ours, theirs in [([OLD], OLD), ([OLD, NEW], OLD), ([OLD, NEW], NEW), ([NEW], NEW)]:
        settings.FACEAUTH_WEBHOOK_SECRET_KEYS = ours
        answers.append(deliver(event(FAV), key=theirs).status_code)
    assert answers == [200, 200, 200, 200]
    assert len(kept()) == 4

    assert deliver(event(FAV), key=OLD).status_code == 401


@pytest.mark.parametrize(
    "keys", [["short"], [""], [" " * 40], [None], "one-key-that-is-no-list-" * 3, [OLD, "short"], 7]
)
def test_a_key_that_cannot_be_used_stops_everything(keys):
    """No delivery is accepted, also not one that is signed with it (W-04)."""
    with override_settings(FACEAUTH_WEBHOOK_SECRET_KEYS=keys):
        for key in ("short", "", OLD, " " * 40, "o"):
            assert deliver(event(FAV), key=key).status_code == 503
    assert kept() == []


@pytest.mark.parametrize("flags", [*product([True, False], repeat=3)])
def test_no_setting_switches_verification_off(flags):
    """W-04, TH-15."""
    names = ("DEBUG", "FACEAUTH_SIMULATOR_ENABLED", "FACEAUTH_SLOW_REVIEW")
    with override_settings(**dict(zip(names, flags, strict=True))):
        for headers in ({}, {"X-Debug": "1"}, {"X-Test-Mode": "true"}):
            assert deliver(event(FAV), signature="", **headers).status_code == 401


# -- the fixed Authorization value


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("is_authorized", [True, False])
def test_an_authorization_value_is_required_too(is_signed, is_authorized):
    """Never in place of the signature (W-16)."""
    headers = {"Authorization": "the value of the workflow"} if is_authorized else {}
    with override_settings(FACEAUTH_WEBHOOK_AUTHORIZATION_KEY="the value of the workflow"):
        answer = deliver(event(FAV), signature=None if is_signed else "0" * 64, **headers)

    if is_signed and is_authorized:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.content) == (401, REFUSED)


# -- what a site's own settings must not change


@pytest.mark.parametrize("append_slash", [True, False])
def test_a_missing_slash_is_no_redirect(append_slash):
    """W-12."""
    with override_settings(APPEND_SLASH=append_slash, DEBUG=True):
        assert deliver(event(FAV), url=URL.rstrip("/")).status_code == 200
    assert reverse("faceauth:webhook") == URL


def test_neither_login_nor_csrf_token_is_required(settings):
    """W-14."""
    login_required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, login_required]

    assert deliver(event(FAV), client=Client(enforce_csrf_checks=True)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_row_outlives_what_fails_after_it(settings, monkeypatch):
    """Under ATOMIC_REQUESTS too (W-14, TH-42)."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    settings.FACEAUTH_BASE_URL = "https://not-the-provider.example"

    assert deliver(event(FAV)).status_code == 200
    assert WebhookEvent.objects.get().state == "stored"


def test_no_other_route_is_exempt_from_csrf():
    """There is no sibling route without the signature check (TH-09)."""
    (faceauth,) = (
        resolver
        for resolver in get_resolver().url_patterns
        if getattr(resolver, "namespace", None) == "faceauth"
    )
    callbacks = {route.callback for route in faceauth.url_patterns}

    exempt = {callback for callback in callbacks if getattr(callback, "csrf_exempt", False)}
    assert exempt == {webhooks.webhook}


# -- when the database cannot


def test_without_a_database_the_provider_is_asked_to_come_back(caplog):
    """503 and when, and not a word of why (a.5)."""

    def breaks(execute, sql, params, many, context):
        raise OperationalError("canary: the address of the database")

    with connection.execute_wrapper(breaks):
        answer = deliver(event(FAV))

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert b"canary" not in answer.content
    assert "canary" not in caplog.text
    assert kept() == []


def test_one_statement_and_one_commit():
    """The insert, and what the test's own transaction adds to it."""
    body = json.dumps(event(FAV, "x", type="other_product")).encode()

    with CaptureQueriesContext(connection) as statements:
        deliver(body)

    sql = [query["sql"] for query in statements if "SAVEPOINT" not in query["sql"]]
    assert len(sql) == 1
    assert sql[0].upper().startswith(("INSERT", "SET STATEMENT"))
