"""The one place that speaks HTTP.

Every exchange has a connect, a read and a total time limit (D-05), follows no
redirect, reads so much and no more, accepts JSON or pictures only, and ends in one of
these or in one error of our tree. Underlying errors are named but not chained: their
frames hold headers, and an error report would print them (P-05).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import Any, Final, Generic, TypeVar

import requests
from requests.adapters import BaseAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ProtocolError

from django_faceauth import __version__
from django_faceauth.exceptions import ProviderError, Unavailable
from django_faceauth.provider.quiet import unlogged
from django_faceauth.provider.responses import IMAGE_TYPES, Image, Json, image_in, json_in
from django_faceauth.secret import Secret

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", Json, Image)
Parts = Mapping[str, Any]

TOTAL_SECONDS: Final = 15.0
MAX_BODY: Final = 1024 * 1024
MAX_IMAGE: Final = 5 * 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class _Call(Generic[Answer]):
    """What is asked for, and what makes an answer of it. The address may be a bearer link."""

    operation: str
    method: str
    url: str = field(repr=False)
    read: Callable[[str, requests.Response, bytes], Answer | ProviderError]
    most: int = MAX_BODY
    parts: Parts = field(default_factory=dict)


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
        call = _Call(operation, method, url, json_in, parts=parts)
        return self._repeated(self._session(), call)

    def fetch(self, operation: str, link: Secret) -> Image:
        """Return the picture that a bearer link leads to; nothing of the link is logged.

        Without our credentials, cookies or certificate: the link is all that its host is to
        know. Raises a `ProviderError`.
        """
        parts = {"auth": _nobody, "headers": {"Accept": ", ".join(sorted(IMAGE_TYPES))}}
        call = _Call(operation, "GET", link.reveal(), image_in, MAX_IMAGE, parts)
        with self._new_session() as session, unlogged():
            return self._repeated(session, call)

    def _repeated(self, session: requests.Session, call: _Call[Answer]) -> Answer:
        deadline = self._clock() + TOTAL_SECONDS
        for pause in PAUSES if call.method == "GET" else ():
            try:
                return self._exchange(session, call, deadline)
            except Unavailable as error:
                wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
                if error.cause not in REPEATABLE_CAUSES or self._clock() + wait >= deadline:
                    raise
            self._sleep(wait)
        return self._exchange(session, call, deadline)

    def _exchange(self, session: requests.Session, call: _Call[Answer], deadline: float) -> Answer:
        outcome = self._outcome(session, call, deadline)
        if isinstance(outcome, ProviderError):
            logger.warning("%s", outcome)
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
                verify=True,  # said here so that no caller can say otherwise (P-03)
                allow_redirects=False,
                stream=True,
                **call.parts,
            ) as response:
                body = self._read(response, call.most, deadline)
                return call.read(call.operation, response, body)
        except (OSError, HTTPError, ValueError) as error:  # OSError: all of requests' own too
            cause, was_sent = type(error).__name__, not _never_connected(error)
            return Unavailable(call.operation, cause=cause, was_sent=was_sent)

    def _timeouts(self, deadline: float) -> tuple[float, float]:
        """Return the connect and read timeouts, neither longer than the time that is left."""
        left = max(deadline - self._clock(), LAST_MOMENT)
        connect, read = self._timeout
        return min(connect, left), min(read, left)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
            session.cert = self._certificate
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
        if self._adapter is not None:
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
        return session

    def _read(self, response: requests.Response, most: int, deadline: float) -> bytes:
        body = bytearray()
        while chunk := self._read_some(response, deadline):
            body += chunk
            if len(body) > most:
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


def _never_connected(error: Exception) -> bool:
    """Tell whether a request was certainly not sent: no address, no connection, or no trust.

    `requests` wraps what happens on a connection in the same class, around the cause.
    """
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.exceptions.SSLError):
        reason: Any = getattr(cause, "reason", cause)
        return any(isinstance(part, SSLCertVerificationError) for part in (reason, *reason.args))
    is_of_connecting = isinstance(error, requests.ConnectionError)
    return is_of_connecting and not isinstance(cause, OSError | ProtocolError)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sign nothing, and keep netrc files from doing so."""
    return request
