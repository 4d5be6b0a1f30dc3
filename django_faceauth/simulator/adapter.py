"""The simulator without sockets: a `requests` adapter, and a browser for tests."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import Resolver404, resolve
from requests import PreparedRequest, ReadTimeout, Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.state_machine import LOOPBACK

__all__ = ["CaptureDriver", "SimulatorAdapter"]


class SimulatorAdapter(HTTPAdapter):
    """Answers for any host that it is mounted on, from the simulator's own views.

    `root` is the path prefix of the simulator there, such as `/simulator`; `address` is the IP
    address of the caller.
    """

    def __init__(self, root: str = "", *, address: str = LOOPBACK) -> None:
        super().__init__()
        self.root = root.rstrip("/")
        self.address = address

    def send(self, request: PreparedRequest, *_args: Any, **options: Any) -> Response:
        """Return the simulator's response to a request.

        Raises `requests.ReadTimeout` at once where the client would have waited too long.
        """
        url = urlsplit(request.url or "")
        sent = RequestFactory().generic(
            request.method or "GET",
            request.url or "",
            request.body or b"",
            content_type=request.headers.get("Content-Type", ""),
            secure=url.scheme == "https",
            headers={"Host": url.netloc, **request.headers},
            REMOTE_ADDR=self.address,
        )
        received = ReceivedRequest(sent.environ)
        received.META[fault_injection.PAUSE] = Timeout(options.get("timeout"))
        response: fault_injection.Response = HttpResponse(status=404)
        if received.path.startswith(self.root):
            with suppress(Resolver404):
                # Imported with the first request: `urls` also connects the sender of webhooks.
                from django_faceauth.simulator import urls

                view = resolve(received.path_info.removeprefix(self.root), urlconf=urls.__name__)
                response = view.func(received, *view.args, **view.kwargs)
        body = b"".join(cast(Iterable[bytes], response))
        over_the_wire = HTTPResponse(
            body=BytesIO(body),
            headers={**response.headers, "Content-Length": str(len(body))},
            status=response.status_code,
            reason=response.reason_phrase,
            preload_content=False,
        )
        return self.build_response(request, over_the_wire)


class Timeout:
    """The time that a client waits; waiting uses it up without delay."""

    def __init__(self, timeout: float | tuple[float, float] | None) -> None:
        read = timeout[1] if isinstance(timeout, tuple) else timeout
        self.seconds = float("inf") if read is None else read

    def __call__(self, seconds: float) -> None:
        """Wait; raises `requests.ReadTimeout` when that is too long."""
        self.seconds -= seconds
        if self.seconds < 0:
            raise ReadTimeout


class ReceivedRequest(WSGIRequest):
    """A request to a host of the provider, which `ALLOWED_HOSTS` does not have."""

    def get_host(self) -> str:
        host: str = self.META["HTTP_HOST"]
        return host


@dataclass(frozen=True, slots=True)
class CaptureDriver:
    """Uses the capture page; a link that is closed raises `requests.HTTPError`."""

    user_agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    address: str = LOOPBACK

    def open(self, capture_url: str) -> str:
        """Open the capture page and return its HTML."""
        return self._request("GET", capture_url).text

    def show_face(self, capture_url: str, outcome: str = "same_person") -> str:
        """Complete the capture page and return the URL that the browser is sent to."""
        self.open(capture_url)
        return self._request("POST", capture_url, {"outcome": outcome}).headers["Location"]

    def _request(self, method: str, url: str, form: dict[str, str] | None = None) -> Response:
        root, _, _ = urlsplit(url).path.rpartition("/capture/")
        with Session() as browser:
            for scheme in ("http://", "https://"):
                browser.mount(scheme, SimulatorAdapter(root, address=self.address))
            browser.headers["User-Agent"] = self.user_agent
            response = browser.request(method, url, data=form, allow_redirects=False)
        response.raise_for_status()
        return response
