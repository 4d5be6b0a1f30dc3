"""A provider on loopback that answers as a test tells it, over real sockets."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


MEGABYTE: Final = b" " * (1024 * 1024)

Answer = Callable[["Handler", Received], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the next of the server's answers; the last one holds for whatever follows."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Loopback

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        request = Received(
            self.command, self.path, dict(self.headers.items()), self.rfile.read(length)
        )
        self.server.requests.append(request)
        answers = self.server.answers
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        with suppress(ConnectionError):
            answer(self, request)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


class Loopback(ThreadingHTTPServer):
    """The server: what it was asked, and how many connections it accepted."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: deque[Answer] = deque(answers)
        self.requests: list[Received] = []
        self.connections = 0
        #: Released for each connection that has ended.
        self.ended = threading.Semaphore(0)
        #: Set when the test is over, so that no answer waits any longer.
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted = super().get_request()
        self.connections += 1
        return accepted

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.ended.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that went away are part of the tests."""


@contextmanager
def serving(*answers: Answer) -> Iterator[Loopback]:
    """Serve `answers`, one a request."""
    server = Loopback(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def tells(body: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""

    def answer(handler: Handler, request: Received) -> None:
        content = json.dumps(body).encode()
        _head(handler, status, {"Content-Length": str(len(content)), **headers})
        handler.wfile.write(content)

    return answer


def repeats_everything(status: int) -> Answer:
    """An answer that tells back all it was sent, as the worst of debug pages does."""

    def answer(handler: Handler, request: Received) -> None:
        told = {"headers": request.headers, "body": request.body.decode("latin-1")}
        tells(told, status)(handler, request)

    return answer


def resets(handler: Handler, request: Received) -> None:
    """Cut the connection before an answer."""
    _cut(handler)


def resets_within_the_body(handler: Handler, request: Received) -> None:
    """Cut the connection when half of the answer is out."""
    _head(handler, 200, {"Content-Length": "1000"})
    handler.wfile.write(b'{"id":')
    handler.wfile.flush()
    _cut(handler)


def hangs_up_within_the_body(handler: Handler, request: Received) -> None:
    """End the connection in an orderly way, before the promised length."""
    _head(handler, 200, {"Content-Length": "1000"})
    handler.wfile.write(b'{"id":')
    handler.close_connection = True


def sends_a_broken_chunk(handler: Handler, request: Received) -> None:
    """Announce chunks and send something else."""
    _head(handler, 200, {"Transfer-Encoding": "chunked"})
    handler.wfile.write(b"zz\r\n{}\r\n0\r\n\r\n")
    handler.close_connection = True


def stays_silent(handler: Handler, request: Received) -> None:
    """Take the request and never answer it."""
    handler.server.closing.wait()
    handler.close_connection = True


def drips(handler: Handler, request: Received) -> None:
    """Send a body that takes seconds, a blank at a time."""
    _head(handler, 200, {"Transfer-Encoding": "chunked"})
    drip(handler, b"1\r\n \r\n")


def drip(handler: Handler, drop: bytes) -> None:
    """Write `drop` again and again for three seconds; then hang up."""
    handler.close_connection = True
    for _ in range(600):
        if handler.server.closing.wait(0.005):
            return
        handler.wfile.write(drop)


def stalls_within_the_body(handler: Handler, request: Received) -> None:
    """Send the beginning of a body, and no more."""
    _head(handler, 200, {"Content-Length": "1000"})
    handler.wfile.write(b'{"id":')
    handler.wfile.flush()
    stays_silent(handler, request)


class Pours:
    """An answer of a hundred megabytes; `taken` is how many of them were read."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        self.status = status
        self.headers = headers
        self.taken = 0

    def __call__(self, handler: Handler, request: Received) -> None:
        _head(handler, self.status, {"Content-Length": str(100 * len(MEGABYTE)), **self.headers})
        handler.close_connection = True
        for _ in range(100):
            handler.wfile.write(MEGABYTE)
            self.taken += 1


def _head(handler: Handler, status: int, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def _cut(handler: Handler) -> None:
    # Closing with a linger time of zero sends a reset instead of an orderly end.
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.rfile.close()
    handler.wfile.close()
    handler.connection.close()
    handler.close_connection = True
