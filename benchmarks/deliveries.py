"""What the provider would send, and a way to hand it to Django without a socket."""

from __future__ import annotations

import json
import uuid
from io import BytesIO
from typing import Any

from django.conf import settings

from django_faceauth.provider import signatures
from django_faceauth.secret import Secret

OURS = "/face/webhook/"
LIMIT = "/limit/store/"
LIMIT_SENT = "/limit/send/"

Environ = dict[str, Any]


def event() -> bytes:
    """Return the body of an event that was not told before."""
    unique = uuid.uuid4().hex[:26]
    told = {
        "id": f"evt_{unique}",
        "type": "face_authentication_checks_completed",
        "version": "1.2.0",
        "created_on": "2026-03-02T12:00:00.000000Z",
        "data": {
            "face_authentication_id": f"fav_{unique}",
            "applicant_id": f"aplt_{unique}",
            "user_journey_id": "usj_" + "a" * 26,
            "status": "approved",
            "response_codes": [{"code": 10000, "summary": "ok"}],
        },
        "_links": {"self": {"href": f"https://api.checkout.com/workflows/events/evt_{unique}"}},
    }
    return json.dumps(told).encode()


def signature(body: bytes) -> str:
    """Return what the provider would put into the header."""
    return signatures.sign(body, Secret(settings.FACEAUTH_WEBHOOK_SECRET_KEYS[0]))


def environ(path: str, body: bytes, signed: str | None, **others: str) -> Environ:
    """Return one delivery as a server hands it to an application."""
    environ: Environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "provider",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if signed is not None:
        environ["HTTP_CKO_SIGNATURE"] = signed
    return environ | others


def genuine(path: str) -> Environ:
    """Return a new event, rightly signed."""
    body = event()
    return environ(path, body, signature(body))


def forged(path: str) -> Environ:
    """Return a new event, signed by somebody who has not the key."""
    return environ(path, event(), "0" * 64)


def start(status: str, headers: list[tuple[str, str]]) -> None:
    """Stand for a server, which would send them."""
