"""HTTP to the provider.

Every exchange has a connect, a read and a total time limit, follows no redirects, reads a
limited body, accepts JSON or pictures only, and ends in one of these or in one error of our
tree. Underlying errors are named but not chained: their frames hold headers, and an error
report would print them.
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from ssl import SSLCertVerificationError
from typing import Any, Final, Generic, TypeVar

import requests
from requests.adapters import BaseAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader, ProtocolError
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
from django_faceauth.provider.json_values import reject_constant
from django_faceauth.secret import Secret

logger = logging.getLogger(__name__)

Json = dict[str, Any]

TOTAL_SECONDS: Final = 15.0
MAX_BODY: Final = 1024 * 1024
MAX_IMAGE: Final = 5 * 1024 * 1024

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

#: Connections that were refused, cut before a response, or cut within its body: a GET is then
#: repeated after a pause, a POST never is. A call that was answered is not repeated: the rate
#: of calls is decided for the whole site.
REPEATABLE_CAUSES: Final = frozenset(
    {"ConnectionError", "ConnectTimeout", "IncompleteRead", "InvalidChunkLength", "ProtocolError"}
)
PAUSES: Final = (0.25, 1.0)

_thread = threading.local()


class _UnlessQuiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - all or none
        return not getattr(_thread, "is_quiet", False)


# The library logs the path and query of each request at level DEBUG, and of some at WARNING.
# Added once: threads in between would miss a filter that comes and goes.
for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_UnlessQuiet())


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the HTTP library from logging a bearer link that this thread uses in the block."""
    _thread.is_quiet = True
    try:
        yield
    finally:
        _thread.is_quiet = False


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a face: shown once, and stored nowhere."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def data_url(self) -> str:
        """The picture as a `data:` URL."""
        return f"data:{self.media_type};base64,{b64encode(self.content).decode()}"


Answer = TypeVar("Answer", Json, Image)


@dataclass(frozen=True, slots=True)
class _Call(Generic[Answer]):
    """One request, and how its response is read. The URL may be a bearer link."""

    operation: str
    method: str
    url: str = field(repr=False)
    read: Callable[[str, requests.Response, bytes], Answer | ProviderError]
    most: int = MAX_BODY
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True, repr=False, eq=False)
class Transport:
    """Sends requests, one kept-alive `requests.Session` a thread.

    `timeout` is (connect, read) in seconds; `certificate` a TLS client certificate as
    `requests` takes it; `adapter` answers instead of the network when it is given;
    `clock` and `sleep` are those of `time`.
    """

    timeout: tuple[float, float] = (3, 10)
    certificate: str | tuple[str, str] | None = None
    adapter: BaseAdapter | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _local: threading.local = field(default_factory=threading.local, init=False)

    def send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        expects: type[Json] | type[list[Any]] | None = dict,
        **parts: Any,
    ) -> Json:
        """Exchange one request for one JSON object; `parts` are those of `requests`.

        With `expects=list`, an array is accepted and returned as the `data` of an object; with
        None, the body of a success is not read. Repeats a GET within the total time limit.
        Raises a `ProviderError`.
        """
        call = _Call(operation, method, url, partial(json_in, expects=expects), parts=parts)
        return self._repeated(self._session(), call)

    def fetch(self, operation: str, link: Secret) -> Image:
        """Return the picture behind a bearer link without logging the link.

        Sends no credentials, cookies or certificate: its host sees only the link. Raises a
        `ProviderError`.
        """
        parts = {
            "auth": lambda request: request,  # unsigned; also keeps netrc files from signing
            "headers": {"Accept": ", ".join(sorted(IMAGE_TYPES))},
        }
        call = _Call(operation, "GET", link.reveal(), image_in, MAX_IMAGE, parts)
        with self._new_session() as session, _unlogged():
            return self._repeated(session, call)

    def _repeated(self, session: requests.Session, call: _Call[Answer]) -> Answer:
        deadline = self.clock() + TOTAL_SECONDS
        for pause in PAUSES if call.method == "GET" else ():
            try:
                return self._exchange(session, call, deadline)
            except Unavailable as error:
                wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
                if error.cause not in REPEATABLE_CAUSES or self.clock() + wait >= deadline:
                    raise
            self.sleep(wait)
        return self._exchange(session, call, deadline)

    def _exchange(self, session: requests.Session, call: _Call[Answer], deadline: float) -> Answer:
        outcome = self._outcome(session, call, deadline)
        if isinstance(outcome, ProviderError):
            logger.warning("provider: %s", outcome)
            raise outcome
        return outcome

    def _outcome(
        self, session: requests.Session, call: _Call[Answer], deadline: float
    ) -> Answer | ProviderError:
        # Errors are returned, not raised: the frames of this function and of those below
        # hold bodies and headers, and must be gone before a traceback is made.
        try:
            with session.request(
                call.method,
                call.url,
                timeout=self._timeouts(deadline),
                verify=True,  # explicit, so that callers cannot change it
                allow_redirects=False,
                stream=True,
                **call.parts,
            ) as response:
                body = self._read(response, call.most, deadline)
                return call.read(call.operation, response, body)
        except (OSError, HTTPError, ValueError) as error:  # OSError: all of requests' own too
            was_sent = not _never_connected(error)
            return Unavailable(call.operation, cause=type(error).__name__, was_sent=was_sent)

    def _timeouts(self, deadline: float) -> tuple[float, float]:
        """Return the connect and read timeouts, neither longer than the time that is left."""
        # A socket does not accept a timeout of zero.
        left = max(deadline - self.clock(), 0.05)
        connect, read = self.timeout
        return min(connect, left), min(read, left)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
            session.cert = self.certificate
        return session

    def _new_session(self) -> requests.Session:
        session = _Session()
        # "identity": a compressed body could unpack to far more than the cap.
        session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"django-faceauth/{__version__}",
            }
        )
        if self.adapter is not None:
            session.mount("https://", self.adapter)
            session.mount("http://", self.adapter)
        return session

    def _read(self, response: requests.Response, most: int, deadline: float) -> bytes:
        body = bytearray()
        while True:
            # read1() returns what has arrived, so that a body that drips cannot outlast us, and
            # the socket waits only as long as time is left, so that one that stalls cannot either.
            sock = getattr(response.raw.connection, "sock", None)
            if sock is not None:
                sock.settimeout(self._timeouts(deadline)[1])
            chunk = response.raw.read1(64 * 1024, decode_content=False)
            if not chunk:
                return bytes(body)
            body += chunk
            if len(body) > most:
                raise HTTPError("body too large")
            if self.clock() > deadline:
                raise requests.Timeout


class _Session(requests.Session):
    """A session that treats no response as a redirect.

    `allow_redirects=False` does not follow a redirect, but reads its whole body, of any size
    and for any time, before we see it.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None."""


class Bearer(AuthBase):
    """Puts a token into a request, and keeps netrc files from doing so."""

    def __init__(self, reveal: Callable[[], str]) -> None:
        self._reveal = reveal

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._reveal()}"
        return request


def _never_connected(error: Exception) -> bool:
    """Return whether a request was certainly not sent: no DNS entry, connection or trust.

    `requests` wraps what happens on a connection in the same class, around the cause.
    """
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.exceptions.SSLError):
        reason: Any = getattr(cause, "reason", cause)
        return any(isinstance(part, SSLCertVerificationError) for part in (reason, *reason.args))
    is_connection_error = isinstance(error, requests.ConnectionError)
    return is_connection_error and not isinstance(cause, OSError | ProtocolError)


def image_in(operation: str, response: requests.Response, body: bytes) -> Image | ProviderError:
    """Return the picture behind a link; its type cannot run anything."""
    status, media_type = response.status_code, _media_type(response)
    if not 200 <= status < 300:
        return _error(operation, response, LINK_ERRORS)
    if status != 200 or media_type not in IMAGE_TYPES or not body:
        return MalformedAnswer(operation, status_code=status, cause="not a picture")
    return Image(media_type, body)


def json_in(
    operation: str,
    response: requests.Response,
    body: bytes,
    *,
    expects: type[Json] | type[list[Any]] | None = dict,
) -> Json | ProviderError:
    """Return the JSON object of a response; `expects` is explained at `Transport.send`."""
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
    if expects is None:
        data = {}
    elif expects is list and isinstance(data, list):
        data = {"data": data}
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
