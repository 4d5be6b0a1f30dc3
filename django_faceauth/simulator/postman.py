"""Webhooks into the views of this very process, for tests.

send = client_sender(Client())
for delivery in reversed(outbox.pending()):
    courier.deliver(delivery, send)
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.test import Client

from django_faceauth.simulator.webhook_sender import Send


def client_sender(client: Client) -> Send:
    """Return a `Send` that posts through a test client, and so without a socket."""

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
