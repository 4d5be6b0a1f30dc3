"""What a webhook says, read strictly, after it has proved genuine (W-19).

A notice names what changed. It does not say how: statuses, codes and addresses in it are
not even read, since only an answer to our own request is believed (W-07).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NoReturn

from django_faceauth.exceptions import EnvelopeInvalid
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.resources import moment_in

#: What begins otherwise is news of other products, which may come to the same address.
FAMILY: Final = "face_authentication_"
ANONYMIZED: Final = f"{FAMILY}anonymized"

MAX_DEPTH: Final = 20
_EVENT: Final = re.compile(r"evn?t_[0-9A-Za-z]{10,64}")
_AUTHENTICATION: Final = re.compile(r"fav_[0-9A-Za-z]{10,64}")
_NOT_IN_TYPES: Final = re.compile(r"[^\w.-]", re.ASCII)
LONGEST_TYPE: Final = 100


@dataclass(frozen=True, slots=True)
class WebhookPayload:
    """One event: `created_on` is the provider's moment, if it gave a usable one.

    `authentication_id` is empty for the news of other products; `applicant_id` may be. A
    question mark in `type` is in the place of what event types are not written with.
    """

    id: str
    type: str
    authentication_id: str = ""
    applicant_id: str = ""
    created_on: datetime | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is about a face authentication."""
        return self.type.startswith(FAMILY) and "?" not in self.type


def read(body: bytes) -> WebhookPayload:
    """Read the raw bytes of a genuine delivery; raise `EnvelopeInvalid`."""
    envelope = _object(_decoded(body), "not_an_object")
    notice = WebhookPayload(
        id=_matching(_EVENT, envelope.get("id"), "event_id"),
        type=_type_in(envelope),
        created_on=moment_in(envelope, "created_on"),
    )
    return _with_subject(notice, envelope) if notice.is_ours else notice


def _type_in(envelope: Mapping[str, Any]) -> str:
    given = envelope.get("type")
    if not isinstance(given, str):
        raise EnvelopeInvalid("event_type")
    name = _NOT_IN_TYPES.sub("?", given)
    return name if len(name) <= LONGEST_TYPE else f"{name[: LONGEST_TYPE - 1]}?"


def _with_subject(notice: WebhookPayload, envelope: Mapping[str, Any]) -> WebhookPayload:
    data = _object(envelope.get("data"), "no_data")
    named, applicant_id = data.get("face_authentication_id"), data.get("applicant_id")
    return replace(
        notice,
        authentication_id=_matching(_AUTHENTICATION, named, "authentication_id"),
        applicant_id=str(applicant_id) if is_id(applicant_id, Prefix.APPLICANT) else "",
    )


def _decoded(body: bytes) -> Any:
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise EnvelopeInvalid("not_json") from None
    if _is_deep(value):
        raise EnvelopeInvalid("too_deep")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two readers of the same bytes could each believe another one.
        raise EnvelopeInvalid("duplicate_key")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _is_deep(value: Any) -> bool:
    layer: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        layer = [child for node in layer for child in _children(node)]
    return bool(layer)


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _object(value: Any, reason: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise EnvelopeInvalid(reason)
    return value


def _matching(pattern: re.Pattern[str], value: Any, reason: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise EnvelopeInvalid(reason)
    return value
