"""HTTP responses as JSON, pictures or errors.

Errors are returned, not raised: see `transport`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

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
from django_faceauth.provider.resources import reject_constant

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
#: An expired link is rejected in one of these ways, which says nothing about our credentials.
LINK_ERRORS: Final[Mapping[int, type[ProviderError]]] = {**ERRORS, 401: NotFound, 403: NotFound}

IMAGE_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})

_REQUEST_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_ERROR_CODE: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a face: shown once, and stored nowhere."""

    media_type: str
    content: bytes = field(repr=False)


def image_in(operation: str, response: requests.Response, body: bytes) -> Image | ProviderError:
    """Return the picture behind a link; its type cannot run anything."""
    status, media_type = response.status_code, _media_type(response)
    if not 200 <= status < 300:
        return _error(operation, response, LINK_ERRORS)
    if status != 200 or media_type not in IMAGE_TYPES or not body:
        return MalformedAnswer(operation, status_code=status, cause="not a picture")
    return Image(media_type, body)


def json_in(operation: str, response: requests.Response, body: bytes) -> Json | ProviderError:
    """Return the JSON object of a response."""
    request_id = _match(_REQUEST_ID, response.headers.get("Cko-Request-Id"))
    status, media_type = response.status_code, _media_type(response)
    data = None
    if media_type == "application/json" or media_type.endswith("+json"):
        with suppress(ValueError, RecursionError):
            data = json.loads(body, parse_constant=reject_constant)
    if not 200 <= status < 300:
        codes = data.get("error_codes") if isinstance(data, dict) else None
        codes = codes[:10] if isinstance(codes, list) else []
        matching = tuple(code for code in codes if _match(_ERROR_CODE, code))
        return _error(operation, response, ERRORS, request_id, matching)
    if not isinstance(data, dict):
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
        retry_after = None
        # Numbers and dates may be beyond all bounds.
        with suppress(InvalidHeader, ValueError, OverflowError):
            if value := response.headers.get("Retry-After"):
                retry_after = float(Retry().parse_retry_after(value))
        return Unavailable(operation, retry_after=retry_after, **facts)
    if status < 400:
        return MalformedAnswer(operation, **facts)
    return kinds.get(status, Rejected)(operation, **facts)


def _media_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _match(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
