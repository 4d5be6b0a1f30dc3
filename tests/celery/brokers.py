"""Brokers that go away and come back."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from tests.celery.stage import Process
from tests.server import free_port


class OwnRedis:
    """A Redis of our own, which forgets everything when it goes away."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        options = ["--port", str(self._port), "--bind", "127.0.0.1"]
        forget = ["--save", "", "--appendonly", "no"]
        self._process = Process(folder / "redis.log", "redis-server", *options, *forget, env={})
        self.come_back()

    def come_back(self) -> None:
        self._process.start()
        deadline = time.monotonic() + 20
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.02)

    def go_away(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()


class Line:
    """A line to a broker that others use too; when it is cut, so are all connections."""

    def __init__(self, broker_url: str) -> None:
        parts = urlsplit(broker_url)
        self._broker = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._is_whole = Event()
        self._is_whole.set()
        self._sockets: list[socket.socket] = []
        here = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = broker_url.replace(f"{parts.hostname}:{parts.port}", here)
        Thread(target=self._accept, daemon=True).start()

    def go_away(self) -> None:
        self._is_whole.clear()
        cut, self._sockets = self._sockets, []
        for one in cut:
            _close(one)

    def come_back(self) -> None:
        self._is_whole.set()

    def close(self) -> None:
        self.go_away()
        _close(self._listener)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                self._connect(self._listener.accept()[0])

    def _connect(self, near: socket.socket) -> None:
        if not self._is_whole.is_set():
            _close(near)
            return
        far = socket.create_connection(self._broker)
        self._sockets += [near, far]
        Thread(target=_pass_on, args=(near, far), daemon=True).start()
        Thread(target=_pass_on, args=(far, near), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            target.sendall(data)
    _close(source)
    _close(target)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


Broker = OwnRedis | Line
