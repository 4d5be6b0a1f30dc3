"""The one place that speaks HTTP.

Every exchange has a connect, a read and a total time limit (D-05), follows no
redirect, reads at most a megabyte, accepts JSON only, and ends in a dict or in one
error of our tree. Underlying errors are named but not chained: their frames hold
headers, and an error report would print them (P-05).
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import requests
from requests.adapters import BaseAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from django_faceauth import __version__
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
Parts = Mapping[str, Any]

TOTAL_SECONDS: Final = 15.0
MAX_BODY: Final = 1024 * 1024
CHUNK: Final = 64 * 1024
#: A socket takes no timeout of zero, so the last moment before the total limit is this long.
LAST_MOMENT: Final = 0.05

#: Connections that were refused, cut before an answer, or cut within its body: a GET that met
#: one is repeated after a pause, a POST never is (D-06). What was answered is not repeated:
#: how often the provider is asked is decided for the whole site (P-06).
REPEATABLE_CAUSES: Final = frozenset(
    {"ConnectionError", "ConnectTimeout", "IncompleteRead", "InvalidChunkLength", "ProtocolError"}
)
PAUSES: Final = (0.25, 1.0)

ERRORS: Final[Mapping[int, type[ProviderError]]] = {
    400: Rejected,
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    422: Rejected,
}

_REQUEST_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_ERROR_CODE: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Transport:
    """Sends requests, one kept-alive `requests.Session` a thread.

    `timeout` is (connect, read) in seconds; `certificate` a TLS client certificate as
    `requests` takes it; `adapter` answers instead of the network when it is given;
    `clock` and `sleep` are those of `time`.
    """

    def __init__(
        self,
        *,
        timeout: tuple[float, float] = (3, 10),
        certificate: str | tuple[str, str] | None = None,
        adapter: BaseAdapter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timeout = timeout
        self._certificate = certificate
        self._adapter = adapter
        self._clock = clock
        self._sleep = sleep
        self._local = threading.local()

    def send(self, operation: str, method: str, url: str, **parts: Any) -> Json:
        """Exchange one request for one JSON object; `parts` are those of `requests`.

        Repeats a GET within the total time limit. Raises a `ProviderError`.
        """
        deadline = self._clock() + TOTAL_SECONDS
        for pause in PAUSES if method == "GET" else ():
            try:
                return self._exchange(operation, method, url, deadline, parts)
            except Unavailable as error:
                wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
                if error.cause not in REPEATABLE_CAUSES or self._clock() + wait >= deadline:
                    raise
            self._sleep(wait)
        return self._exchange(operation, method, url, deadline, parts)

    def _exchange(
        self, operation: str, method: str, url: str, deadline: float, parts: Parts
    ) -> Json:
        outcome = self._outcome(operation, method, url, deadline, parts)
        if isinstance(outcome, ProviderError):
            logger.warning("%s", outcome)
            raise outcome
        return outcome

    def _outcome(
        self, operation: str, method: str, url: str, deadline: float, parts: Parts
    ) -> Json | ProviderError:
        # Errors are returned, not raised: the frames of this function and of those below
        # hold bodies and headers, and must be gone before a traceback is made.
        try:
            with self._session().request(
                method,
                url,
                timeout=self._timeouts(deadline),
                verify=True,  # said here so that no caller can say otherwise (P-03)
                allow_redirects=False,
                stream=True,
                **parts,
            ) as response:
                return _judge(operation, response, self._read(response, deadline))
        except (OSError, HTTPError, ValueError) as error:  # OSError: all of requests' own too
            return Unavailable(operation, cause=type(error).__name__)

    def _timeouts(self, deadline: float) -> tuple[float, float]:
        """Return the connect and read timeouts, neither longer than the time that is left."""
        left = max(deadline - self._clock(), LAST_MOMENT)
        connect, read = self._timeout
        return min(connect, left), min(read, left)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
        return session

    def _new_session(self) -> requests.Session:
        session = _Session()
        session.cert = self._certificate
        # "identity": a compressed body could unpack to far more than the cap.
        session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"django-faceauth/{__version__}",
            }
        )
        if self._adapter is not None:
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
        return session

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        while chunk := self._read_some(response, deadline):
            body += chunk
            if len(body) > MAX_BODY:
                raise HTTPError("body too large")
            if self._clock() > deadline:
                raise requests.Timeout
        return bytes(body)

    def _read_some(self, response: requests.Response, deadline: float) -> bytes:
        # read1() returns what has come, so that a body that drips cannot outlast us, and
        # the socket waits no longer than is left, so that one that stalls cannot either.
        sock = getattr(response.raw.connection, "sock", None)
        if sock is not None:
            sock.settimeout(self._timeouts(deadline)[1])
        chunk: bytes = response.raw.read1(CHUNK, decode_content=False)
        return chunk


class _Session(requests.Session):
    """A session to which no answer is a redirect.

    `allow_redirects=False` does not follow one, but reads its whole body, whatever its
    size and however long that takes, before we see it.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Tell that there is none."""


class Bearer(AuthBase):
    """Puts a token into a request, and keeps netrc files from doing so."""

    def __init__(self, reveal: Callable[[], str]) -> None:
        self._reveal = reveal

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request; called by `requests`."""
        request.headers["Authorization"] = f"Bearer {self._reveal()}"
        return request


def _judge(operation: str, response: requests.Response, body: bytes) -> Json | ProviderError:
    request_id = _match(_REQUEST_ID, response.headers.get("Cko-Request-Id"))
    status = response.status_code
    data = _decode(response, body)
    if not 200 <= status < 300:
        return _error(operation, response, request_id, _error_codes(data))
    if data is None:
        return MalformedAnswer(operation, status_code=status, request_id=request_id)
    logger.debug("%s status=%s request_id=%s", operation, status, request_id)
    return data


def _error(
    operation: str, response: requests.Response, request_id: str, codes: tuple[str, ...]
) -> ProviderError:
    status = response.status_code
    facts: Any = {"status_code": status, "request_id": request_id, "codes": codes}
    if status == 429 or status >= 500:
        return Unavailable(operation, retry_after=_retry_after(response), **facts)
    if status < 400:
        return MalformedAnswer(operation, **facts)
    return ERRORS.get(status, Rejected)(operation, **facts)


def _decode(response: requests.Response, body: bytes) -> Json | None:
    """Return the JSON object in `body`, or None when there is none."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return None
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


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
