"""What an answer is: JSON, a picture, or one error of our tree.

Errors are returned, not raised: see `transport`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from django_faceauth.exceptions import (
    AccessDenied,
    Conflict,
    MalformedAnswer,
    NotFound,
    ProviderError,
    Rejected,
    Unavailable,
)

logger = logging.getLogger(__name__)

Json = dict[str, Any]

ERRORS: Final[Mapping[int, type[ProviderError]]] = {
    400: Rejected,
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    422: Rejected,
}
#: A link that has run out is refused in one of these ways; that says nothing of our credentials.
LINK_ERRORS: Final[Mapping[int, type[ProviderError]]] = {**ERRORS, 401: NotFound, 403: NotFound}

IMAGE_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})

_REQUEST_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_ERROR_CODE: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a person: to be shown once, and kept nowhere (V-01)."""

    media_type: str
    content: bytes = field(repr=False)


def image_in(operation: str, response: requests.Response, body: bytes) -> Image | ProviderError:
    """Return the picture that a link led to, of a type that cannot do anything."""
    status, media_type = response.status_code, _media_type(response)
    if not 200 <= status < 300:
        return _error(operation, response, LINK_ERRORS)
    if status != 200 or media_type not in IMAGE_TYPES or not body:
        return MalformedAnswer(operation, status_code=status, cause="not a picture")
    return Image(media_type, body)


def json_in(operation: str, response: requests.Response, body: bytes) -> Json | ProviderError:
    """Return the JSON object that an answer is."""
    request_id = _match(_REQUEST_ID, response.headers.get("Cko-Request-Id"))
    status = response.status_code
    data = _decode(response, body)
    if not 200 <= status < 300:
        return _error(operation, response, ERRORS, request_id, _error_codes(data))
    if data is None:
        return MalformedAnswer(operation, status_code=status, request_id=request_id)
    logger.debug("%s status=%s request_id=%s", operation, status, request_id)
    return data


def _error(
    operation: str,
    response: requests.Response,
    kinds: Mapping[int, type[ProviderError]],
    request_id: str = "",
    codes: tuple[str, ...] = (),
) -> ProviderError:
    status = response.status_code
    facts: Any = {"status_code": status, "request_id": request_id, "codes": codes}
    if status == 429 or status >= 500:
        return Unavailable(operation, retry_after=_retry_after(response), **facts)
    if status < 400:
        return MalformedAnswer(operation, **facts)
    return kinds.get(status, Rejected)(operation, **facts)


def _decode(response: requests.Response, body: bytes) -> Json | None:
    """Return the JSON object in `body`, or None when there is none."""
    media_type = _media_type(response)
    if media_type != "application/json" and not media_type.endswith("+json"):
        return None
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _media_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _error_codes(data: Json | None) -> tuple[str, ...]:
    codes = (data or {}).get("error_codes")
    if not isinstance(codes, list):
        return ()
    return tuple(code for code in codes[:10] if _match(_ERROR_CODE, code))


def _match(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After")
    try:
        return None if value is None else float(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):  # numbers and dates beyond all bounds
        return None
