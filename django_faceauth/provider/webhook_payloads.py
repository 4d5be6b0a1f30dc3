"""Strict parsing of webhook bodies whose signature is verified.

A payload says what changed, not how: statuses, codes and links in it are not even read,
since only the response to our own request is trusted.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final, NamedTuple

from django_faceauth.exceptions import EnvelopeInvalid
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.json_values import moment_in, reject_constant

#: Other event types are about other products, which may use the same URL.
FAMILY: Final = "face_authentication_"
IDENTITY_FAMILY: Final = "identity_verification_"
ANONYMIZED_TYPES: Final = frozenset({f"{FAMILY}anonymized", f"{IDENTITY_FAMILY}anonymized"})
CAPTURE_COMPLETED: Final = f"{FAMILY}capture_completed"
#: Events of what we asked for or the user did: there is no result yet.
EARLY_TYPES: Final = frozenset(
    family + name
    for family in (FAMILY, IDENTITY_FAMILY)
    for name in ["created", "opened", "started", "reset", "retry_requested", "capture_completed"]
)

MAX_DEPTH: Final = 20
_EVENT: Final = r"evn?t_[0-9A-Za-z]{10,64}"
_AUTHENTICATION: Final = r"fav_[0-9A-Za-z]{10,64}"
_VERIFICATION: Final = r"idv_[0-9A-Za-z]{10,64}"
LONGEST_TYPE: Final = 100


class WebhookPayload(NamedTuple):
    """One event: `created_on` is the provider's timestamp, if it gave a usable one.

    `provider_id` is that of the face authentication or identity verification; it is empty for
    events of other products, and `applicant_id` may be. A question mark in `type` stands for a
    character that event types do not contain.
    """

    id: str
    type: str
    provider_id: str = ""
    applicant_id: str = ""
    created_on: datetime | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is about a face authentication."""
        return self.type.startswith(FAMILY) and "?" not in self.type

    @property
    def is_of_identity(self) -> bool:
        """Whether it is about an identity verification, maybe of another product."""
        return self.type.startswith(IDENTITY_FAMILY) and self.provider_id != ""


def read(body: bytes) -> WebhookPayload:
    """Parse the raw bytes of a genuine delivery; raise `EnvelopeInvalid`."""
    try:
        envelope = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=reject_constant
        )
    except (ValueError, RecursionError):
        raise EnvelopeInvalid("not_json") from None
    layer: list[Any] = [envelope]
    for _ in range(MAX_DEPTH):
        layer = [
            child
            for node in layer
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    if layer:
        raise EnvelopeInvalid("too_deep")
    if not isinstance(envelope, dict):
        raise EnvelopeInvalid("not_an_object")
    event_id, event_type = _matching(_EVENT, envelope, "id", "event_id"), envelope.get("type")
    if not isinstance(event_type, str):
        raise EnvelopeInvalid("event_type")
    event_type = re.sub(r"[^\w.-]", "?", event_type, flags=re.ASCII)
    if len(event_type) > LONGEST_TYPE:
        event_type = f"{event_type[: LONGEST_TYPE - 1]}?"
    payload = WebhookPayload(event_id, event_type, created_on=moment_in(envelope, "created_on"))
    data = envelope.get("data")
    if not payload.is_ours:
        # A site may have other uses for identity verifications: nothing of it is required.
        data = data if isinstance(data, dict) else {}
        verification_id = data.get("identity_verification_id")
        if not (isinstance(verification_id, str) and re.fullmatch(_VERIFICATION, verification_id)):
            return payload
        return payload._replace(provider_id=verification_id, applicant_id=_applicant_in(data))
    if not isinstance(data, dict):
        raise EnvelopeInvalid("no_data")
    return payload._replace(
        provider_id=_matching(_AUTHENTICATION, data, "face_authentication_id", "authentication_id"),
        applicant_id=_applicant_in(data),
    )


def _applicant_in(data: dict[str, Any]) -> str:
    applicant_id = data.get("applicant_id")
    return str(applicant_id) if is_id(applicant_id, Prefix.APPLICANT) else ""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two parsers of the same bytes could each use another one.
        raise EnvelopeInvalid("duplicate_key")
    return members


def _matching(pattern: str, data: dict[str, Any], key: str, reason: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise EnvelopeInvalid(reason)
    return value
