"""Validation of request bodies, with the provider's error codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponse, JsonResponse

from django_faceauth.simulator.state_machine import AttemptRequest

Body = Mapping[str, Any]
Checks = Mapping[str, Callable[[str], object]]

# Leaves room for the appended query: Django redirects to 2,048 characters at most.
LONGEST_REDIRECT: Final = 1_900

IDS: Final[Checks] = {
    "applicant_id": re.compile(r"aplt_\w+", re.ASCII).fullmatch,
    "user_journey_id": re.compile(r"usj_\w+", re.ASCII).fullmatch,
}
DECLARED_DATA: Final[Checks] = {
    "name": lambda name: 2 <= len(name) <= 255,
    "birth_date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch,
    "email": re.compile(r"[^@\s]+@[^@\s]+").fullmatch,
}
PROFILE: Final[Checks] = {
    "external_applicant_id": re.compile(r"[\w.-]{1,255}", re.ASCII).fullmatch,
    "email": DECLARED_DATA["email"],
    "external_applicant_name": lambda name: 2 <= len(name) <= 255,
}
PHONE_NUMBER: Final[Checks] = {
    "country_code": re.compile(r"\+\d+", re.ASCII).fullmatch,
    "number": re.compile(r"\d{1,14}", re.ASCII).fullmatch,
}
CLIENT_INFORMATION: Final[Checks] = {
    "pre_selected_residence_country": re.compile(r"[A-Z]{2}").fullmatch,
    "pre_selected_language": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*").fullmatch,
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


def read_ids(body: Body) -> Mapping[str, str]:
    """Return the applicant id and the user journey id of a new case."""
    refuse(_errors(body, IDS))
    return _known(body, IDS)


def read_attempt(body: Body) -> AttemptRequest:
    codes = _errors(body, {"redirect_url": is_web_url})
    phone, client = body.get("phone_number"), body.get("client_information")
    if isinstance(phone, dict):
        codes += _errors(phone, PHONE_NUMBER, group="phone_number")
    elif phone is not None:
        codes.append("phone_number_invalid")
    if isinstance(client, dict):
        given = {name: CLIENT_INFORMATION[name] for name in _known(client, CLIENT_INFORMATION)}
        codes += _errors(client, given, group="client_information")
    elif client is not None:
        codes.append("client_information_invalid")
    refuse(codes)
    return AttemptRequest(
        redirect_url=body["redirect_url"],
        phone_number=phone and _known(phone, PHONE_NUMBER),
        client_information=client and _known(client, CLIENT_INFORMATION),
    )


def read_applicant(body: Body) -> Mapping[str, str]:
    given = {name: PROFILE[name] for name in _known(body, PROFILE)}
    refuse(_errors(body, given))
    return _known(body, given)


def read_declared_data(body: Body) -> Mapping[str, str]:
    declared: Any = body.get("declared_data")
    if not isinstance(declared, dict):
        refuse(["declared_data_required" if declared is None else "declared_data_invalid"])
    given = {name: DECLARED_DATA[name] for name in {"name", *_known(declared, DECLARED_DATA)}}
    codes, phone = _errors(declared, given, group="declared_data"), declared.get("phone_number")
    if phone is not None:
        is_object = isinstance(phone, dict)
        group = "declared_data__phone_number"
        codes += _errors(phone, PHONE_NUMBER, group=group) if is_object else [f"{group}__invalid"]
    refuse(codes)
    return _known(declared, given)


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


def is_web_url(text: str) -> bool:
    """Return whether a browser can be sent to `text`, an absolute HTTP(S) URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return is_absolute and text.isprintable() and " " not in text and len(text) <= LONGEST_REDIRECT


def _errors(body: Body, checks: Checks, *, group: str = "") -> list[str]:
    separator, codes = "__" if group else "_", []
    for name, accepts in checks.items():
        value = body.get(name)
        prefix = f"{group}__{name}" if group else name
        if value is None or value == "":
            codes.append(f"{prefix}{separator}required")
        elif not (isinstance(value, str) and accepts(value)):
            codes.append(f"{prefix}{separator}invalid")
    return codes


def _known(values: Body, checks: Checks) -> Mapping[str, str]:
    return {name: values[name] for name in checks if values.get(name) is not None}
