"""Webhook events, signed as the provider does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
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
from django_faceauth.simulator import representations, state_machine
from django_faceauth.simulator.state_machine import new_id

#: A key that the site does not know.
WRONG_KEY: Final = "this key is not one of those of the site"

#: Bodies that cannot be used even with a signature, by what is wrong with them.
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
#: An authentication, its challenge, or an id.
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

    `name` follows `face_authentication_` in the type. The site does not trust the content, such
    as `status`: it pulls from the provider. `created_on` is now by default; `changes` replace
    members of the envelope. Raises `ValueError` for a challenge without an authentication.
    """
    row = None if isinstance(subject, str) else authentication_of(subject)
    case = state_machine.create(
        str(row.provider_id if row else subject),
        applicant_id=row.applicant_id if row else new_id("aplt"),
        user_journey_id=row.user_journey_id if row else new_id("usj"),
        now=created_on or timezone.now(),
        status=status or (row.status if row else "approved"),
        code=10000,
    )
    root = "https://169.254.169.254"  # no site may follow this link
    return {**representations.event(new_id("evt"), FAMILY + name, case, root), **changes}


def authentication_of(subject: FaceAuthentication | FaceChallenge) -> FaceAuthentication:
    """Return the authentication of a subject; raises `ValueError` when there is none yet."""
    if isinstance(subject, FaceChallenge):
        subject.refresh_from_db(fields=["authentication"])  # a test may hold an older copy
        row = subject.authentication
    else:
        row = subject
    if row is None or row.provider_id is None:
        raise ValueError("the face check of this challenge has not begun yet")
    return row


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
    """Post an envelope, or raw bytes, to the site's webhook URL, and return the response.

    Signed with `key`, by default the first of `FACEAUTH_WEBHOOK_SECRET_KEYS`, unless `signature`
    is given. The event is processed when this returns: that pulls from the provider, so start
    the simulator first. Raises `ConfigurationError` without a key.
    """
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    if signature is None:
        keys = [Secret(key)] if key else conf.WEBHOOK_SECRET_KEYS
        if not keys:
            raise ConfigurationError(
                f"{PREFIX}WEBHOOK_SECRET_KEYS is empty, so nothing can be signed. Give the "
                "settings of your tests a key of 32 characters."
            )
        signature = sign(body, keys[0])
    sent = {HEADER: signature}
    if conf.WEBHOOK_AUTHORIZATION_KEY:
        sent["Authorization"] = conf.WEBHOOK_AUTHORIZATION_KEY.reveal()
    post: Any = (client or Client()).post
    response: HttpResponse = post(
        reverse("faceauth:webhook"),
        body,
        content_type=content_type,
        headers={**sent, **(headers or {})},
        **extra,
    )
    return response
