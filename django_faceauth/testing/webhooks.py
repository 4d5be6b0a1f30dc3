"""What the provider posts, made and signed as it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.provider.signatures import HEADER, sign
from django_faceauth.provider.webhook_payloads import FAMILY
from django_faceauth.secret import Secret
from django_faceauth.simulator.state_machine import new_id

#: Sign with this for a delivery of somebody who does not know the key.
WRONG_KEY: Final = "nobody has agreed with anybody on this key"

#: Bodies that are of no use even when they are signed, by what is wrong with them.
JUNK: Final[Mapping[str, bytes]] = {
    "not JSON": b"not JSON",
    "not UTF-8": b'{"id": "\xff"}',
    "not an object": b"[]",
    "no id": b'{"type": "face_authentication_created", "data": {}}',
    "no authentication": b'{"id": "evt_aaaaaaaaaa", "type": "face_authentication_x", "data": {}}',
    "two ids": b'{"id": "evt_aaaaaaaaaa", "id": "evt_bbbbbbbbbb", "type": "x"}',
    "too deep": b"[" * 50 + b"]" * 50,
}

Envelope = dict[str, Any]
#: What an event can be about: an authentication, the challenge that it is for, or any id.
Subject = FaceAuthentication | FaceChallenge | str


def webhook_event(
    subject: Subject,
    name: str = "checks_completed",
    *,
    status: str = "",
    created_on: datetime | None = None,
    **changes: Any,
) -> Envelope:
    """Return the envelope of a new event about an authentication.

    `subject` is that, the challenge that it is for, or the id of any. `name` is what the
    provider's types have behind `face_authentication_`. What an event says, such as its
    `status`, is not believed: the site asks the provider. `created_on` is now by default;
    `changes` replace members of the envelope. Raises `ValueError` for a challenge without an
    authentication.
    """
    moment = (created_on or timezone.now()).astimezone(UTC)
    return {
        "id": new_id("evt"),
        "type": FAMILY + name,
        "version": "1.2.0",
        "created_on": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "data": _facts(subject) | ({"status": status} if status else {}),
        "_links": {"self": {"href": "https://169.254.169.254/workflows/events/evt"}},
        **changes,
    }


def authentication_of(subject: FaceAuthentication | FaceChallenge) -> FaceAuthentication:
    """Return the authentication that is meant; raises `ValueError` when there is none yet."""
    if isinstance(subject, FaceChallenge):
        subject.refresh_from_db(fields=["authentication"])  # a test may hold it since it was asked
        row = subject.authentication
    else:
        row = subject
    if row is None or row.provider_id is None:
        raise ValueError("nobody has begun to show a face for this yet")
    return row


def _facts(subject: Subject) -> dict[str, Any]:
    if isinstance(subject, str):
        about = {
            "face_authentication_id": subject,
            "applicant_id": new_id("aplt"),
            "user_journey_id": new_id("usj"),
            "status": "approved",
        }
    else:
        row = authentication_of(subject)
        about = {
            "face_authentication_id": str(row.provider_id),
            "applicant_id": row.applicant_id,
            "user_journey_id": row.user_journey_id,
            "status": row.status,
        }
    return {**about, "response_codes": [{"code": 10000, "summary": "approved"}]}


def deliver_webhook(
    event: Envelope | bytes,
    *,
    key: str = "",
    signature: str | None = None,
    client: Client | None = None,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> HttpResponse:
    """Post an envelope, or raw bytes, to the site's webhook address; return the answer.

    Signed with `key`, by default the first of `FACEAUTH_WEBHOOK_SECRET_KEYS`; `signature` takes
    the place of a genuine one. Comes from where the settings let webhooks come from. What the
    event leads to has happened when this returns: the site asks the provider, so begin the
    simulator first, or the site asks the real one. Raises `ConfigurationError` without a key.
    """
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    sent = {HEADER: _signature(body, key) if signature is None else signature}
    if conf.WEBHOOK_AUTHORIZATION_KEY:
        sent["Authorization"] = conf.WEBHOOK_AUTHORIZATION_KEY.reveal()
    post: Any = (client or Client()).post
    answer: HttpResponse = post(
        reverse("faceauth:webhook"),
        body,
        content_type=content_type,
        headers={**sent, **(headers or {})},
        **_source(),
        **extra,
    )
    return answer


def _signature(body: bytes, key: str) -> str:
    keys = [Secret(key)] if key else conf.WEBHOOK_SECRET_KEYS
    if not keys:
        raise ConfigurationError(
            f"{PREFIX}WEBHOOK_SECRET_KEYS is empty, so that nothing can be signed. Give the "
            "settings of your tests a key of 32 characters."
        )
    return sign(body, keys[0])


def _source() -> dict[str, str]:
    """Return where a delivery comes from, as the site looks at it."""
    if not conf.WEBHOOK_NETWORKS:
        return {}
    address = str(conf.WEBHOOK_NETWORKS[0][0])
    hops = ", ".join([address] * conf.TRUSTED_PROXIES)
    return {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": hops}
