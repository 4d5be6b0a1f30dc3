"""The provider's resources as frozen values.

`parse` takes a decoded JSON value and is tolerant: fields may be absent, null, new or odd (the
provider reserves that), and only an allow-list of them is read. An unknown status stays the text
it was. Anything that is not an object, or lacks an id, is a `MalformedAnswer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Final, Generic, Self, TypeVar

from django_faceauth import networks
from django_faceauth.identifiers import Prefix
from django_faceauth.provider.json_values import (
    Json,
    as_object,
    count_in,
    href_in,
    id_in,
    list_in,
    moment_in,
    object_in,
    printable,
    text_in,
)
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
        answer = as_object(data, operation)
        return cls(
            id=id_in(answer, cls.prefix, operation),
            status=text_in(answer, "status")[:MAX_STATUS_LENGTH],
            applicant_id=text_in(answer, "applicant_id"),
            user_journey_id=text_in(answer, "user_journey_id"),
            response_codes=_codes(answer),
            risk_labels=tuple(filter(None, map(printable, list_in(answer, "risk_labels")))),
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
        return replace(
            snapshot, capture_url=href_in(as_object(data, operation), "verification_url")
        )


@dataclass(frozen=True, slots=True)
class ApplicantSnapshot:
    """An applicant: of its profile, only the id is read."""

    id: str

    @classmethod
    def parse(cls, data: object, *, operation: str) -> Self:
        return cls(id=id_in(as_object(data, operation), Prefix.APPLICANT, operation))


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
        answer = as_object(data, operation)
        visit = object_in(answer, "applicant_session_information")
        network, *former = networks.digests_of(networks.parse(text_in(visit, "ip_address")))
        return cls(
            id=id_in(answer, prefix, operation),
            status=text_in(answer, "status")[:MAX_STATUS_LENGTH],
            response_codes=_codes(answer),
            redirect_url=text_in(answer, "redirect_url"),
            capture_url=href_in(answer, "verification_url"),
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
        answer = as_object(data, operation)
        return cls(type=text_in(answer, "type"), url=href_in(answer, "asset_url"))


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
        answer = as_object(data, operation)
        signature, headers = answer.get("signature"), object_in(answer, "headers")
        return cls(
            id=id_in(answer, Prefix.WORKFLOW_ACTION, operation),
            url=text_in(answer, "url"),
            key=Secret(text_in(signature, "key")) if isinstance(signature, Mapping) else None,
            headers={name.title(): Secret(text_in(headers, name)) for name in headers},
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
        answer, kinds = as_object(data, operation), ("event", "webhook")
        parts = [*list_in(answer, "conditions"), *list_in(answer, "actions")]
        parts = [as_object(part, operation) for part in parts]
        webhooks = [part for part in parts if part.get("type") == "webhook"]
        sources = [object_in(part, "events") for part in parts]
        names = [
            name for events in sources for source in events for name in list_in(events, source)
        ]
        return cls(
            id=id_in(answer, Prefix.WORKFLOW, operation),
            is_active=answer.get("active") is not False,
            event_types=frozenset(map(printable, names)),
            webhooks=tuple(WebhookAction.parse(part, operation=operation) for part in webhooks),
            others=tuple(text_in(part, "type") for part in parts if part.get("type") not in kinds),
        )


def parse_event_types(data: object, *, operation: str) -> dict[str, list[str]]:
    """Return the types of events by the ids of their sources; raise `MalformedAnswer`."""
    sources = [
        as_object(source, operation) for source in list_in(as_object(data, operation), "data")
    ]
    return {
        text_in(source, "id"): [
            text_in(as_object(event, operation), "id") for event in list_in(source, "events")
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
        answer = as_object(data, operation)
        items = tuple(item(entry, operation=operation) for entry in list_in(answer, "data"))
        return cls(
            items=items,
            total_count=count_in(answer, "total_count", len(items)),
            skip=count_in(answer, "skip", 0),
            limit=count_in(answer, "limit", len(items)),
        )


def _codes(data: Json) -> tuple[ResponseCode, ...]:
    codes = []
    for entry in list_in(data, "response_codes"):
        code = entry.get("code") if isinstance(entry, Mapping) else None
        # An integer, but the provider's own example once has a string: both are accepted.
        if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 5:
            code = int(code)
        if type(code) is int and code in CODES:
            codes.append(ResponseCode(code, text_in(entry, "summary")[:100]))
    return tuple(codes)
