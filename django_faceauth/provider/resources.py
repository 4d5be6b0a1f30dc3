"""What the provider said, as frozen values.

Reading is tolerant: fields may be absent, null, new or odd (the provider reserves
that), and only an allow-list of them passes this edge (P-04). An unknown status stays
the text it was. What is no object, or has no id, is a `MalformedAnswer`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Generic, Self, TypeVar

from django.utils.dateparse import parse_datetime

from django_faceauth import clocks
from django_faceauth.digests import digests
from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.identifiers import Prefix, is_id

__all__ = [
    "AssetSnapshot",
    "AttemptSnapshot",
    "AuthenticationSnapshot",
    "Page",
    "ResponseCode",
]

Json = Mapping[str, Any]

MAX_STATUS_LENGTH: Final = 64
CODES: Final = range(10000, 70000)

#: As much of an address as names a network: that of a household or a small company.
NETWORK_BITS: Final[Mapping[int, int]] = {4: 24, 6: 48}
NETWORK_SALT: Final = "django_faceauth.network"


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """A machine readable reason, with the provider's short name for it."""

    code: int
    summary: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the code in the provider's own shape."""
        return {"code": self.code, "summary": self.summary}


@dataclass(frozen=True, slots=True)
class AuthenticationSnapshot:
    """A face authentication as the provider described it in one answer.

    `has_face` tells that the provider holds a picture of it, which is never read.
    """

    id: str
    status: str
    applicant_id: str = ""
    user_journey_id: str = ""
    response_codes: tuple[ResponseCode, ...] = ()
    risk_labels: tuple[str, ...] = ()
    created_on: datetime | None = None
    modified_on: datetime | None = None
    has_face: bool = False

    @property
    def facts(self) -> Json:
        """What it says about the face, by the columns of its mirror."""
        codes = [code.as_json() for code in self.response_codes]
        return {"response_codes": codes, "risk_labels": list(self.risk_labels)}

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        """Read a decoded JSON value; raise `MalformedAnswer` if it is none of ours."""
        answer = _object(data, operation)
        return cls(
            id=_id(answer, Prefix.AUTHENTICATION, operation),
            status=_text(answer, "status")[:MAX_STATUS_LENGTH],
            applicant_id=_text(answer, "applicant_id"),
            user_journey_id=_text(answer, "user_journey_id"),
            response_codes=_codes(answer),
            risk_labels=tuple(filter(None, map(_printable, _list(answer, "risk_labels")))),
            created_on=moment_in(answer, "created_on"),
            modified_on=moment_in(answer, "modified_on"),
            has_face=bool(answer.get("face")),
        )


@dataclass(frozen=True, slots=True)
class AttemptSnapshot:
    """One attempt as the provider described it in one answer.

    `capture_url` is a bearer link: it is left out of `repr` and belongs in no log and
    in no database (U-07). `network` is a keyed digest of where the face was shown, empty when
    that is not known: the address itself does not pass this edge (C-02, V-01).
    `former_networks` are those that it had before the site's `SECRET_KEY` was rotated.
    """

    id: str
    status: str
    response_codes: tuple[ResponseCode, ...] = ()
    redirect_url: str = ""
    capture_url: str = field(default="", repr=False)
    network: str = ""
    former_networks: tuple[str, ...] = ()
    created_on: datetime | None = None
    modified_on: datetime | None = None

    @property
    def facts(self) -> Json:
        """What it says about the face, by the columns of its mirror."""
        codes = [code.as_json() for code in self.response_codes]
        return {"response_codes": codes, "network": self.network}

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        """Read a decoded JSON value; raise `MalformedAnswer` if it is none of ours."""
        answer = _object(data, operation)
        network, *former = _networks(answer.get("applicant_session_information"))
        return cls(
            id=_id(answer, Prefix.ATTEMPT, operation),
            status=_text(answer, "status")[:MAX_STATUS_LENGTH],
            response_codes=_codes(answer),
            redirect_url=_text(answer, "redirect_url"),
            capture_url=_href(answer, "verification_url"),
            network=network,
            former_networks=tuple(former),
            created_on=moment_in(answer, "created_on"),
            modified_on=moment_in(answer, "modified_on"),
        )


@dataclass(frozen=True, slots=True)
class AssetSnapshot:
    """A picture or video of an attempt. `url` is a short-lived bearer link."""

    type: str
    url: str = field(default="", repr=False)

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        """Read a decoded JSON value; raise `MalformedAnswer` if it is no object."""
        answer = _object(data, operation)
        return cls(type=_text(answer, "type"), url=_href(answer, "asset_url"))


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list. `total_count` counts the whole list."""

    items: tuple[Item, ...]
    total_count: int
    skip: int
    limit: int

    @classmethod
    def parse(cls, data: object, item: Callable[..., Item], *, operation: str) -> Page[Item]:
        """Read a decoded JSON value, each entry with `item`."""
        answer = _object(data, operation)
        items = tuple(item(entry, operation=operation) for entry in _list(answer, "data"))
        return cls(
            items=items,
            total_count=_count(answer, "total_count", len(items)),
            skip=_count(answer, "skip", 0),
            limit=_count(answer, "limit", len(items)),
        )


def _object(data: object, operation: str) -> Json:
    if not isinstance(data, Mapping):
        raise MalformedAnswer(operation, cause="not an object")
    return data


def _id(data: Json, prefix: Prefix, operation: str) -> str:
    if not is_id(data.get("id"), prefix):
        raise MalformedAnswer(operation, cause=f"no {prefix} id")
    return str(data["id"])


def _text(data: Json, key: str) -> str:
    return _printable(data.get(key))


def _printable(value: object) -> str:
    # Databases refuse NUL and lone surrogates, logs are forged with line ends. Dropped as a
    # whole: without its odd character a text could become a word that was not said.
    return value if isinstance(value, str) and value.isprintable() else ""


def _list(data: Json, key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _count(data: Json, key: str, default: int) -> int:
    value = data.get(key)
    return value if type(value) is int and value >= 0 else default


def _href(data: Json, name: str) -> str:
    link: Any = data.get("_links")
    for key in (name, "href"):
        link = link.get(key) if isinstance(link, Mapping) else None
    return _printable(link)


def _networks(session: object) -> list[str]:
    if not isinstance(session, Mapping):
        return [""]
    try:
        address = ipaddress.ip_address(_text(session, "ip_address"))
    except ValueError:
        return [""]
    network = ipaddress.ip_network((address, NETWORK_BITS[address.version]), strict=False)
    return [digest[:32] for digest in digests(NETWORK_SALT, str(network))]


def moment_in(data: Json, key: str) -> datetime | None:
    """Return the moment under `key`, in UTC, or None when there is no usable one."""
    try:
        moment = parse_datetime(_text(data, key))
    except ValueError:
        return None
    # The provider documents UTC; a moment without an offset is taken as such.
    return clocks.in_range(moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def _codes(data: Json) -> tuple[ResponseCode, ...]:
    entries = (entry for entry in _list(data, "response_codes") if isinstance(entry, Mapping))
    return tuple(
        ResponseCode(code, _text(entry, "summary")[:100])
        for entry in entries
        if (code := _code(entry.get("code"))) is not None
    )


def _code(value: object) -> int | None:
    # An integer, but the provider's own example once has a string: both are accepted.
    if not isinstance(value, int | str) or isinstance(value, bool):
        return None
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) == 5):
        return None
    return int(value) if int(value) in CODES else None
