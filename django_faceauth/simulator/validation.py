"""Validation of request bodies, with the provider's error codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from django.http import HttpResponse, JsonResponse

Body = dict[str, Any]
#: The known members of an object: a check of each text, or the members of an inner object.
Members: TypeAlias = "Mapping[str, Callable[[str], object] | Members]"

# Leaves room for the appended query: Django redirects to 2,048 characters at most.
LONGEST_REDIRECT: Final = 1_900


def is_web_url(text: str) -> bool:
    """Return whether a browser can be sent to `text`, an absolute HTTP(S) URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return is_absolute and text.isprintable() and " " not in text and len(text) <= LONGEST_REDIRECT


def is_name(text: str) -> bool:
    return 2 <= len(text) <= 255


IS_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+").fullmatch

AUTHENTICATION: Final[Members] = {
    "applicant_id": re.compile(r"aplt_\w+", re.ASCII).fullmatch,
    "user_journey_id": re.compile(r"usj_\w+", re.ASCII).fullmatch,
}
PHONE_NUMBER: Final[Members] = {
    "country_code": re.compile(r"\+\d+", re.ASCII).fullmatch,
    "number": re.compile(r"\d{1,14}", re.ASCII).fullmatch,
}
VERIFICATION: Final[Members] = {
    "declared_data": {
        "name": is_name,
        "birth_date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch,
        "email": IS_EMAIL,
        "phone_number": PHONE_NUMBER,
    },
    **AUTHENTICATION,
}
ATTEMPT: Final[Members] = {
    "redirect_url": is_web_url,
    "phone_number": PHONE_NUMBER,
    "client_information": {
        "pre_selected_residence_country": re.compile(r"[A-Z]{2}").fullmatch,
        "pre_selected_language": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*").fullmatch,
    },
}
PROFILE: Final[Members] = {
    "external_applicant_id": re.compile(r"[\w.-]{1,255}", re.ASCII).fullmatch,
    "email": IS_EMAIL,
    "external_applicant_name": is_name,
}
REQUIRED: Final = {
    *("applicant_id", "user_journey_id", "declared_data", "name"),
    *("redirect_url", "country_code", "number"),
}


class Problem(Exception):
    """An error response of the provider."""

    def __init__(self, status: int, error_type: str, *codes: str) -> None:
        super().__init__(status, error_type, *codes)
        self.status = status
        self.error_type = error_type
        self.codes = codes

    def response(self, request_id: str) -> HttpResponse:
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


def body_of(raw: bytes) -> Body:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "invalid_request", "body_invalid")
    return body


def read(body: Body, members: Members) -> Body:
    """Return the known members of a body, or raise the provider's validation error."""
    values, codes = _read(body, members, "")
    refuse(codes)
    return values


def read_workflow(body: Body, event_types: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return a new or changed workflow: conditions about known events, and one webhook."""
    conditions: Any = body.get("conditions")
    actions: Any = body.get("actions")
    are_valid = {"conditions_invalid": False, "actions_invalid": False}
    with suppress(AttributeError, KeyError, TypeError):
        events = [named for condition in conditions or () for named in condition["events"].items()]
        are_valid["conditions_invalid"] = bool(events) and all(
            {*names} <= {*event_types[source]} for source, names in events
        )
    with suppress(AttributeError, KeyError, TypeError, ValueError):
        [action] = actions
        texts = [*(action.get("headers") or {}).values()]
        if (signature := action.get("signature")) is not None:
            texts.append(signature["key"])
        are_texts = all(isinstance(text, str) for text in texts)
        are_valid["actions_invalid"] = are_texts and is_web_url(action["url"])
    refuse(code for code, is_valid in are_valid.items() if not is_valid)
    return {
        "name": str(body.get("name", "")),
        "active": body.get("active") is not False,
        "conditions": conditions,
        "actions": actions,
    }


def _read(body: Body, members: Members, group: str) -> tuple[Body, list[str]]:
    separator = "__" if group else "_"
    values: Body = {}
    codes: list[str] = []
    for name, check in members.items():
        value, code = body.get(name), f"{group}{name}{separator}"
        if value is None and name not in REQUIRED:
            continue
        if value is None or value == "":
            codes.append(f"{code}required")
        elif isinstance(check, Mapping) and isinstance(value, dict):
            values[name], inner_codes = _read(value, check, f"{group}{name}__")
            codes += inner_codes
        elif callable(check) and isinstance(value, str) and check(value):
            values[name] = value
        else:
            codes.append(f"{code}invalid")
    return values, codes
