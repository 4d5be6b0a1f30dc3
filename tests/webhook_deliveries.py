"""What the provider posts, made and signed as it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from django_faceauth.models import FaceAuthentication
from django_faceauth.provider.signatures import HEADER, sign
from django_faceauth.secret import Secret
from django_faceauth.simulator.webhook_sender import Send

KEY = "signs-the-webhooks-of-the-test-suite"
URL = "/face/webhook/"

_numbers = count(1)


def event(
    subject: FaceAuthentication | str,
    name: str = "checks_completed",
    *,
    status: str = "approved",
    created_on: datetime | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return the envelope of one event, news of just now unless said otherwise."""
    is_row = isinstance(subject, FaceAuthentication)
    moment = (created_on or timezone.now()).astimezone(UTC)
    return {
        "id": f"evt_{next(_numbers):026}",
        "type": f"face_authentication_{name}",
        "version": "1.2.0",
        "created_on": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "data": {
            "face_authentication_id": subject.provider_id if is_row else subject,
            "applicant_id": subject.applicant_id if is_row else "aplt_" + "a" * 26,
            "user_journey_id": "usj_" + "a" * 26,
            "status": status,
            "response_codes": [{"code": 10000, "summary": "approved"}],
        },
        "_links": {"self": {"href": "https://169.254.169.254/workflows/events/evt"}},
        **changes,
    }


def deliver(
    envelope: dict[str, Any] | bytes,
    *,
    key: str = KEY,
    signature: str | None = None,
    url: str = URL,
    content_type: str = "application/json",
    client: Client | None = None,
    **headers: str,
) -> HttpResponse:
    """Post an envelope, or raw bytes, and return the site's answer."""
    body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    headers[HEADER] = sign(body, Secret(key)) if signature is None else signature
    return (client or Client()).post(url, body, content_type=content_type, headers=headers)


def client_sender(client: Client) -> Send:
    """Return a function that posts as the sender of the simulator does, without a socket."""

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        parts = urlsplit(url)
        response = client.post(
            parts._replace(scheme="", netloc="").geturl(),
            data=body,
            content_type=headers["Content-Type"],
            headers=headers,
            secure=parts.scheme == "https",
        )
        return response.status_code

    return send
