"""Webhook events, genuine and forged, against the limit view."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial

from django.conf import settings
from django.db import connection
from django.test import override_settings

from benchmarks.measuring import Environ, Figure, answer, compare, request_factory, statements
from benchmarks.site import Delivery
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret

OURS, LIMIT, LIMIT_SENDING = "/face/webhook/", "/limit/store/", "/limit/send/"


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the figures of new, repeated and forged events, and of those sent with Celery."""
    batches, size = (11, 10) if quick else (81, 20)
    most_new = 1.2 if connection.vendor == "postgresql" else 1.35
    with connection.schema_editor() as editor:
        editor.create_model(Delivery)

    def batch(make: Callable[[str], Environ], path: str) -> Callable[[], list[Environ]]:
        # Never closed: what ours does then is done when the provider has its answer.
        return lambda: [make(path) for _ in range(size)]

    repeated = partial(_delivery, body=_event())
    forged = partial(_delivery, signature="0" * 64)
    for what, make, most, most_statements in (
        ("new event", _delivery, most_new, 1),
        ("redelivery", repeated, most_new, 1),
        ("wrong signature", forged, 1.0, 0),
    ):
        yield compare(what, batch(make, OURS), batch(make, LIMIT), batches=batches, most=most)
        sent = statements(make(OURS))
        shown = " ".join(sql.split()[0] for sql in sent) or "none"
        yield Figure(f"{what}: statements", shown, value=len(sent), most=most_statements)
    with override_settings(FACEAUTH_RUNNER="celery"):
        yield compare(
            "new event, sent with Celery",
            batch(_delivery, OURS),
            batch(_delivery, LIMIT_SENDING),
            batches=batches,
            most=1.3,
            run=lambda environ: answer(environ).close(),
        )


def _event() -> bytes:
    unique = uuid.uuid4().hex[:26]
    event = {
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
    return json.dumps(event).encode()


def _delivery(path: str, body: bytes | None = None, signature: str | None = None) -> Environ:
    """Return an event as the server hands it over, new and genuine if nothing else is given."""
    body = _event() if body is None else body
    if signature is None:
        signature = signatures.sign(body, Secret(settings.FACEAUTH_WEBHOOK_SECRET_KEYS[0]))
    headers = {"cko-signature": signature}
    return request_factory.post(path, body, "application/json", headers=headers).environ
