"""A `requests` adapter that answers from the simulator, without sockets."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import Resolver404, resolve
from requests import PreparedRequest, ReadTimeout, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from django_faceauth.simulator import fault_injection

__all__ = ["SimulatorAdapter"]

URLS: Final = "django_faceauth.simulator.urls"


class SimulatorAdapter(HTTPAdapter):
    """Answers for any host that it is mounted on, from the simulator's own views.

    `root` is the path prefix of the simulator there, such as `/simulator`.
    """

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self.root = root.rstrip("/")

    def send(self, request: PreparedRequest, *_args: Any, **options: Any) -> Response:
        """Return the simulator's response to a request; there is nothing to verify.

        Raises `requests.ReadTimeout` at once where the client would have waited too long.
        """
        received = _received(request)
        received.META[fault_injection.PAUSE] = Timeout(options.get("timeout"))
        response = self._respond(received)
        body = b"".join(cast(Iterable[bytes], response))
        over_the_wire = HTTPResponse(
            body=BytesIO(body),
            headers={**response.headers, "Content-Length": str(len(body))},
            status=response.status_code,
            reason=response.reason_phrase,
            preload_content=False,
        )
        return self.build_response(request, over_the_wire)

    def _respond(self, request: HttpRequest) -> fault_injection.Response:
        if not request.path.startswith(self.root):
            return HttpResponse(status=404)
        try:
            match = resolve(request.path_info.removeprefix(self.root), urlconf=URLS)
        except Resolver404:
            return HttpResponse(status=404)
        response: fault_injection.Response = match.func(request, *match.args, **match.kwargs)
        return response


class Timeout:
    """The seconds for which a client waits; waiting uses them up without taking time."""

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
        """Return the host that was called."""
        host: str = self.META["HTTP_HOST"]
        return host


def _received(request: PreparedRequest) -> HttpRequest:
    url = urlsplit(request.url or "")
    sent = RequestFactory().generic(
        request.method or "GET",
        request.url or "",
        request.body or b"",
        content_type=request.headers.get("Content-Type", ""),
        secure=url.scheme == "https",
        headers={"Host": url.netloc, **request.headers},
    )
    return ReceivedRequest(sent.environ)
