"""The provider's resources as frozen values.

`parse` takes a decoded JSON value and is tolerant: fields may be absent, null, new or odd (the
provider reserves that), and only an allow-list of them is read. An unknown status stays the text
it was. Anything that is not an object, or lacks an id, is a `MalformedAnswer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Generic, NoReturn, Self, TypeVar

from django.utils.dateparse import parse_datetime

from django_faceauth import clocks, networks
from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.secret import Secret

__all__ = [
    "ApplicantSnapshot",
    "AssetSnapshot",
    "AttemptSnapshot",
    "AuthenticationSnapshot",
    "ClientInformation",
    "DeclaredData",
    "IdentityVerificationSnapshot",
    "Page",
    "PhoneNumber",
    "ResponseCode",
    "WebhookAction",
    "WorkflowSnapshot",
]

Json = Mapping[str, Any]

MAX_STATUS_LENGTH: Final = 64
CODES: Final = range(10000, 70000)


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """A machine readable reason, with the provider's short name for it."""

    code: int
    summary: str = ""


@dataclass(frozen=True, slots=True)
class AuthenticationSnapshot:
    """A face authentication as one response of the provider describes it.

    `has_face` says that the provider holds a picture, which is never read.
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

    prefix: ClassVar[Prefix] = Prefix.AUTHENTICATION

    @property
    def facts(self) -> Json:
        """Its findings about the face, by the columns of its mirror."""
        codes = [asdict(code) for code in self.response_codes]
        return {"response_codes": codes, "risk_labels": list(self.risk_labels)}

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        answer = _object(data, operation)
        return cls(
            id=_id(answer, cls.prefix, operation),
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
class IdentityVerificationSnapshot(AuthenticationSnapshot):
    """An identity verification as one response of the provider describes it.

    The declared data, the documents and the face in the response are not read. `capture_url`
    is a bearer link: it is left out of `repr` and is never logged or stored.
    """

    capture_url: str = field(default="", repr=False)

    prefix: ClassVar[Prefix] = Prefix.IDENTITY_VERIFICATION

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        snapshot = super(IdentityVerificationSnapshot, cls).parse(data, operation=operation)
        return replace(snapshot, capture_url=_href(_object(data, operation), "verification_url"))


@dataclass(frozen=True, slots=True)
class ApplicantSnapshot:
    """An applicant: of its profile, only the id is read."""

    id: str

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        return cls(id=_id(_object(data, operation), Prefix.APPLICANT, operation))


@dataclass(frozen=True, slots=True)
class AttemptSnapshot:
    """One attempt as one response of the provider describes it.

    `capture_url` is a bearer link: it is left out of `repr` and is never logged or stored.
    `network` is a keyed digest of the network that the face was captured from, empty when
    unknown; the IP address itself is not kept. `former_networks` are the digests from before
    the site's `SECRET_KEY` was rotated.
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
        """Its findings about the face, by the columns of its mirror."""
        codes = [asdict(code) for code in self.response_codes]
        return {"response_codes": codes, "network": self.network}

    @classmethod
    def parse(cls, data: object, *, operation: str, prefix: Prefix | None = Prefix.ATTEMPT) -> Self:
        answer = _object(data, operation)
        visit = _object_or_empty(answer, "applicant_session_information")
        network, *former = networks.digests_of(networks.parse(_text(visit, "ip_address")))
        return cls(
            id=_id(answer, prefix, operation),
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
        answer = _object(data, operation)
        return cls(type=_text(answer, "type"), url=_href(answer, "asset_url"))


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A phone number for the capture link by SMS: `"+33"`, and digits only."""

    country_code: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientInformation:
    """Preselections of the capture page: a country (`"FR"`) and a language (`"en-US"`)."""

    pre_selected_residence_country: str | None = None
    pre_selected_language: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredData:
    """Who a user is by the site's records: a name of 2 to 255 characters, and a birth date.

    `external_applicant_id` is for the scenarios of the sandbox; it is random otherwise.
    """

    name: str = field(repr=False)
    birth_date: str | None = field(default=None, repr=False)
    external_applicant_id: str = ""


@dataclass(frozen=True, slots=True)
class WebhookAction:
    """The action of a workflow that sends webhooks, with `headers`; a new one has no id.

    `key` signs them: None if none does, empty if the provider does not show it.
    """

    url: str
    key: Secret | None
    headers: Mapping[str, Secret]
    id: str = ""

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        answer = _object(data, operation)
        signature, headers = answer.get("signature"), _object_or_empty(answer, "headers")
        return cls(
            id=_id(answer, Prefix.WORKFLOW_ACTION, operation),
            url=_text(answer, "url"),
            key=Secret(_text(signature, "key")) if isinstance(signature, Mapping) else None,
            headers={name.title(): Secret(_text(headers, name)) for name in headers},
        )


@dataclass(frozen=True, slots=True)
class WorkflowSnapshot:
    """A workflow. `others` are the types of its conditions and actions of other kinds."""

    id: str
    is_active: bool
    event_types: frozenset[str]
    webhooks: tuple[WebhookAction, ...]
    others: tuple[str, ...]

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        answer, kinds = _object(data, operation), ("event", "webhook")
        parts = [*_list(answer, "conditions"), *_list(answer, "actions")]
        parts = [_object(part, operation) for part in parts]
        webhooks = [part for part in parts if part.get("type") == "webhook"]
        sources = [_object_or_empty(part, "events") for part in parts]
        names = [name for events in sources for source in events for name in _list(events, source)]
        return cls(
            id=_id(answer, Prefix.WORKFLOW, operation),
            is_active=answer.get("active") is not False,
            event_types=frozenset(map(_printable, names)),
            webhooks=tuple(WebhookAction.parse(part, operation=operation) for part in webhooks),
            others=tuple(_text(part, "type") for part in parts if part.get("type") not in kinds),
        )


def parse_event_types(data: object, *, operation: str) -> dict[str, list[str]]:
    """Return the types of events by the ids of their sources; raise `MalformedAnswer`."""
    sources = [_object(source, operation) for source in _list(_object(data, operation), "data")]
    return {
        _text(source, "id"): [
            _text(_object(event, operation), "id") for event in _list(source, "events")
        ]
        for source in sources
    }


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
        """Parse a decoded JSON value, each entry with `item`."""
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


def _id(data: Json, prefix: Prefix | None, operation: str) -> str:
    if not is_id(data.get("id"), prefix):
        raise MalformedAnswer(operation, cause=f"no {prefix or 'usable'} id")
    return str(data["id"])


def _text(data: Json, key: str) -> str:
    return _printable(data.get(key))


def _printable(value: object) -> str:
    # Databases reject NUL and lone surrogates, and line ends forge log lines. Dropped as a
    # whole: without its odd character a text could become a different word.
    return value if isinstance(value, str) and value.isprintable() else ""


def _list(data: Json, key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _object_or_empty(data: Json, key: str) -> Json:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _count(data: Json, key: str, default: int) -> int:
    value = data.get(key)
    return value if type(value) is int and value >= 0 else default


def _href(data: Json, name: str) -> str:
    return _text(_object_or_empty(_object_or_empty(data, "_links"), name), "href")


def moment_in(data: Json, key: str) -> datetime | None:
    """Return the timestamp under `key`, in UTC, or None if it is not usable."""
    try:
        moment = parse_datetime(_text(data, key))
    except ValueError:
        return None
    # The provider documents UTC; a timestamp without an offset is taken as UTC.
    return clocks.in_range(moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def reject_constant(name: str) -> NoReturn:
    """Raise `ValueError`: NaN and Infinity are not JSON."""
    raise ValueError(name)


def _codes(data: Json) -> tuple[ResponseCode, ...]:
    codes = []
    for entry in _list(data, "response_codes"):
        code = entry.get("code") if isinstance(entry, Mapping) else None
        # An integer, but the provider's own example once has a string: both are accepted.
        if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 5:
            code = int(code)
        if type(code) is int and code in CODES:
            codes.append(ResponseCode(code, _text(entry, "summary")[:100]))
    return tuple(codes)
