"""Validation of request bodies, with the provider's error codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponse, JsonResponse

from django_faceauth.simulator.state_machine import AttemptRequest

Body = Mapping[str, Any]
Checks = Mapping[str, Callable[[str], object]]

# Leaves room for the appended query: Django redirects to 2,048 characters at most.
LONGEST_REDIRECT: Final = 1_900


class Problem(Exception):
    """An error response of the provider."""

    def __init__(self, status: int, error_type: str, *codes: str) -> None:
        super().__init__(status, error_type, *codes)
        self.status = status
        self.error_type = error_type
        self.codes = codes

    def response(self, request_id: str) -> HttpResponse:
        """Return the error as the provider sends it."""
        body = {
            "request_id": request_id,
            "error_type": self.error_type,
            "error_codes": list(self.codes),
        }
        return JsonResponse(body, status=self.status)


def refuse(codes: Iterable[str]) -> None:
    """Raise the provider's validation error if there are any `codes`."""
    if found := tuple(codes):
        raise Problem(422, "request_invalid", *found)


def is_web_address(text: str) -> bool:
    """Return whether a browser can be sent to `text`, an absolute HTTP(S) URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and text.isprintable()
        and " " not in text
        and len(text) <= LONGEST_REDIRECT
    )


def _pattern(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.ASCII).fullmatch


AUTHENTICATION: Final[Checks] = {
    "applicant_id": _pattern(r"aplt_\w+"),
    "user_journey_id": _pattern(r"usj_\w+"),
}
ATTEMPT: Final[Checks] = {"redirect_url": is_web_address}
PHONE_NUMBER: Final[Checks] = {
    "country_code": _pattern(r"\+\d+"),
    "number": _pattern(r"\d{1,14}"),
}
CLIENT_INFORMATION: Final[Checks] = {
    "pre_selected_residence_country": _pattern(r"[A-Z]{2}"),
    "pre_selected_language": _pattern(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"),
}


def body_of(raw: bytes) -> Body:
    """Return the JSON object of a request body."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "invalid_request", "body_invalid")
    return body


def read_authentication(body: Body) -> Mapping[str, str]:
    """Return the applicant id and the user journey id of a new authentication."""
    refuse(_errors(body, AUTHENTICATION))
    return _known(body, AUTHENTICATION)


def read_attempt(body: Body) -> AttemptRequest:
    """Return what is requested of a new attempt."""
    phone, client = body.get("phone_number"), body.get("client_information")
    refuse(
        [
            *_errors(body, ATTEMPT),
            *_group_errors("phone_number", phone, PHONE_NUMBER),
            *_group_errors("client_information", client, CLIENT_INFORMATION, optional=True),
        ]
    )
    return AttemptRequest(
        redirect_url=body["redirect_url"],
        phone_number=phone and _known(phone, PHONE_NUMBER),
        client_information=client and _known(client, CLIENT_INFORMATION),
    )


def _group_errors(
    group: str, values: object, checks: Checks, *, optional: bool = False
) -> Iterator[str]:
    if values is None:
        return
    if not isinstance(values, dict):
        yield f"{group}_invalid"
        return
    if optional:
        checks = {name: checks[name] for name in _known(values, checks)}
    yield from _errors(values, checks, before=f"{group}__", between="__")


def _errors(body: Body, checks: Checks, *, before: str = "", between: str = "_") -> Iterator[str]:
    for name, accepts in checks.items():
        value = body.get(name)
        if value is None or value == "":
            yield f"{before}{name}{between}required"
        elif not (isinstance(value, str) and accepts(value)):
            yield f"{before}{name}{between}invalid"


def _known(values: Body, checks: Checks) -> Mapping[str, str]:
    return {name: values[name] for name in checks if values.get(name) is not None}
