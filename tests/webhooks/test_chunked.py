"""Webhooks without a stated length, under WSGI, ASGI and gunicorn (F-43)."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test import RequestFactory
from django.utils import timezone

from django_faceauth import metrics, runner
from django_faceauth.models import WebhookEvent
from django_faceauth.provider.signatures import HEADER, sign
from django_faceauth.secret import Secret
from django_faceauth.services.monitoring import doctor
from django_faceauth.signals import webhook_rejected
from tests.conftest import CACHE_AWAY
from tests.server import free_port, wait_for
from tests.webhook_deliveries import KEY, URL, event

FAV = "fav_" + "a" * 26
LARGEST = 64 * 1024
ROOT = Path(__file__).parent.parent.parent


pytestmark = pytest.mark.django_db


def body_of(size=0):
    """Return an event of another product, which takes nothing but the one row."""
    envelope = json.dumps(event(FAV, type="other_product")).encode()
    return envelope + b" " * (size - len(envelope))


def kept():
    return WebhookEvent.objects.count()


class Raises(io.BytesIO):
    """A body that ends before it should."""

    def read(self, *_size):
        raise OSError("the client has gone")


def wsgi(body, stream=None, **environ):
    """Call the site as a WSGI server does; return the status of the response."""
    request = RequestFactory().post(URL, b"x", content_type="application/json")
    environ = {
        **request.environ,
        "HTTP_" + HEADER.upper().replace("-", "_"): sign(body, Secret(KEY)),
        "wsgi.input": stream or io.BytesIO(body),
        **environ,
    }
    environ = {name: value for name, value in environ.items() if value is not None}
    statuses: list[str] = []
    # As the test client does: the connection is that of the test.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        response: Any = get_wsgi_application()(environ, lambda status, _: statuses.append(status))
        b"".join(response)
        response.close()
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
    return statuses[0][:3]


CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked"}
ENDED = {"wsgi.input_terminated": True}


@pytest.mark.parametrize("length", [None, ""])
@pytest.mark.parametrize("headers", [CHUNKED, {}])
def test_a_body_that_the_server_ends_is_read(length, headers):
    """Whether the server leaves the length out, or empty (F-43)."""
    assert wsgi(body_of(), CONTENT_LENGTH=length, **headers, **ENDED) == "200"
    assert wsgi(body_of(), io.BytesIO(), CONTENT_LENGTH=length, **headers, **ENDED) == "401"
    assert kept() == 1


@pytest.mark.parametrize(
    ("length", "headers", "status"),
    [
        # A proxy that buffers may pass on both, as nginx does to uWSGI.
        (str(len(body_of())), CHUNKED, "200"),
        # A body behind a length of zero belongs to the next request.
        *(("0", {}, "401"), ("5", {}, "401"), ("65537", {}, "413"), ("-1", {}, "413")),
    ],
)
def test_a_stated_length_counts(length, headers, status):
    """(F-43)."""
    assert wsgi(body_of(), CONTENT_LENGTH=length, **headers) == status
    assert kept() == (status == "200")


@pytest.mark.parametrize("headers", [{"CONTENT_LENGTH": "500"}, {"CONTENT_LENGTH": None, **ENDED}])
def test_a_body_that_breaks_off_is_a_bad_request(headers):
    """(F-43)."""
    assert wsgi(body_of(), Raises(), **headers) == "400"
    assert kept() == 0


@pytest.mark.parametrize("length", [None, ""])
@pytest.mark.parametrize("headers", [CHUNKED, {}, {"wsgi.input_terminated": False}])
def test_without_a_length_and_an_end_the_answer_is_411(length, headers):
    """Not 401: the signature was never looked at (F-43)."""
    stream = Raises()  # reading it could wait for ever

    assert wsgi(body_of(), stream, CONTENT_LENGTH=length, **headers) == "411"
    assert kept() == 0


@pytest.mark.parametrize(("size", "status"), [(LARGEST, "200"), (LARGEST + 1, "413")])
def test_no_more_than_64_kib_are_read(size, status):
    """(F-43, W-09)."""
    body = body_of(size)
    stream = io.BytesIO(body if status == "200" else body * 5)

    assert wsgi(body, stream, CONTENT_LENGTH=None, **CHUNKED, **ENDED) == status
    assert stream.tell() <= LARGEST + 1


def test_a_missing_length_has_a_reason_of_its_own(caplog, hears):
    """In the log, the signal, the metric and the doctor (F-43)."""
    wsgi(body_of(), CONTENT_LENGTH=None, **CHUNKED, **ENDED)
    wsgi(body_of(), CONTENT_LENGTH="0")
    assert levels_of("webhook_length") == []
    before = metrics.counts["webhook_rejected.no_length"]
    reasons = hears(webhook_rejected, "reason")

    wsgi(body_of(), CONTENT_LENGTH=None, **CHUNKED)

    assert reasons == [("no_length",)]
    assert metrics.counts["webhook_rejected.no_length"] == before + 1
    assert "no_length" in caplog.text
    assert levels_of("webhook_length") == ["warning"]


def test_a_cache_that_is_away_changes_no_answer(settings):
    """(F-43)."""
    settings.CACHES = CACHE_AWAY

    assert wsgi(body_of(), CONTENT_LENGTH=None, **CHUNKED) == "411"
    assert levels_of("webhook_length") == []


def levels_of(finding_id):
    """Return the levels of the doctor's findings of that id."""
    found = doctor.examine(now=timezone.now(), network=False, deploy=False, find_tasks=runner.tasks)
    return [str(finding.level) for finding in found if finding.id == finding_id]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("body", "status", "rows"),
    [
        *((body_of(), 200, 1), (body_of(LARGEST), 200, 1), (body_of(LARGEST + 1), 413, 0)),
        (b"", 400, 1),  # genuine, and unusable
    ],
)
def test_chunks_arrive_under_asgi(body, status, rows):
    """The server joins them, and always says when the body ends (F-43)."""
    assert asyncio.run(_asgi(body)) == status
    assert kept() == rows


async def _asgi(body):
    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "query_string": b"",
        "headers": [
            (b"host", b"testserver"),
            (b"content-type", b"application/json"),
            (b"transfer-encoding", b"chunked"),
            (HEADER.lower().encode(), sign(body, Secret(KEY)).encode()),
        ],
    }
    server = ApplicationCommunicator(get_asgi_application(), scope)
    for start in range(0, len(body), 1000):
        part = body[start : start + 1000]
        await server.send_input({"type": "http.request", "body": part, "more_body": True})
    await server.send_input({"type": "http.request"})
    head = await server.receive_output(timeout=10)
    await server.receive_output(timeout=10)
    await server.wait(timeout=10)
    return int(head["status"])


WSGI = "django.core.wsgi:get_wsgi_application()"


@pytest.fixture
def gunicorn(transactional_db, tmp_path):
    """The URL of the webhook at a gunicorn with threads, on the database of the test."""
    pytest.importorskip("gunicorn")
    if connection.vendor != "sqlite":
        pytest.skip("The server is what is tested here: one database is enough.")
    port = free_port()
    url = f"http://localhost:{port}{URL}"
    log = tmp_path / "server.log"
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-m", "gunicorn", WSGI, "--threads=4", "--preload"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--worker-class=gthread", f"--bind=127.0.0.1:{port}"],
            env=environment,
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(url, server, log)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.mark.enable_socket
def test_gunicorn_takes_chunks(gunicorn):
    """And refuses what is too large or unsigned (F-43)."""

    def post(signed, sent):
        headers = {"Content-Type": "application/json", HEADER: sign(signed, Secret(KEY))}
        return requests.post(gunicorn, sent, headers=headers, timeout=20).status_code

    def chunks(body):
        return (body[start : start + 1000] for start in range(0, len(body), 1000))

    body, full, large = body_of(), body_of(LARGEST), body_of(LARGEST + 1)

    assert post(body, chunks(body)) == 200
    assert post(full, chunks(full)) == 200
    assert post(large, chunks(large)) == 413
    assert post(b"other", chunks(body)) == 401
    assert post(body, body) == 200
    assert kept() == 2
