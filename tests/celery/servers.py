"""Brokers and databases that go away and come back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from urllib.parse import urlsplit

import psycopg

from tests.celery.stage import PATIENCE, Process, program
from tests.server import free_port


class OwnServer:
    """A server of our own, on a port of its own; it comes for the first time with `come_back`."""

    def __init__(self, log: Path, *command: str, port: int, user: str | None = None) -> None:
        self.port = port
        self._process = Process(log, *command, env={}, user=user)

    def come_back(self) -> None:
        self._process.start()
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, f"no answer:\n{self._process.log.read_text()}"
            time.sleep(0.05)

    def go_away(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self.go_away()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


class OwnRedis(OwnServer):
    """Redis, which forgets everything when it goes away."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = program("redis-server", "redis-server")
        super().__init__(folder / "redis.log", server, *options, port=port)


class OwnPostgres(OwnServer):
    """PostgreSQL, which stops at once and recovers at its next start."""

    def __init__(self, log: Path, user: str) -> None:
        port = free_port()
        self.url = f"postgres://{user}@127.0.0.1:{port}/postgres"
        # Not in a folder of pytest, which is closed to the account: the server refuses root.
        account = "daemon" if os.geteuid() == 0 else None
        self._folder = TemporaryDirectory(prefix="faceauth-postgres-")
        if account:
            shutil.chown(self._folder.name, account)
        data = f"{self._folder.name}/data"
        init = [program("initdb", "postgresql"), "--pgdata", data, "--username", user]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [*init, *options], check=True, capture_output=True, cwd=self._folder.name, user=account
        )
        # What the server has written survives its end, though not that of the machine.
        options = ["-p", str(port), "-h", "127.0.0.1", "-k", "", "-N", "200", "-F"]
        server = [program("postgres", "postgresql"), "-D", data, *options]
        super().__init__(log, *server, port=port, user=account)

    def go_away(self) -> None:
        self._process.kill(signal.SIGQUIT)  # "immediate"

    def close(self) -> None:
        super().close()
        self._folder.cleanup()

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url):
            return True
        return False


class Line:
    """A line to a server that others use too; when it is cut, so are all connections."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._is_whole = Event()
        self._is_whole.set()
        self._sockets: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        here = f"127.0.0.1:{self.port}"
        self.url = url.replace(f"{parts.hostname}:{parts.port}", here)
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
        far = socket.create_connection(self._server)
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
