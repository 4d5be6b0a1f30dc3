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

from tests.celery.stage import Process, program
from tests.server import free_port


class OwnServer:
    """A server of our own, on a port of its own."""

    def __init__(self, log: Path, *command: str, port: int, user: str | None = None) -> None:
        self.port = port
        self._process = Process(log, *command, env={}, user=user)
        self.come_back()

    def come_back(self) -> None:
        self._process.start()
        deadline = time.monotonic() + 30
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

    def __init__(self, log: Path, user: str, name: str) -> None:
        port = free_port()
        self.url = f"postgres://{user}@127.0.0.1:{port}/{name}"
        self._admin = f"postgres://{user}@127.0.0.1:{port}/postgres"
        # Not in a folder of pytest, which is closed to the account: the server refuses root.
        account = "nobody" if os.geteuid() == 0 else None
        self._folder = TemporaryDirectory(prefix="faceauth-postgres-")
        data = f"{self._folder.name}/data"
        if account:
            shutil.chown(self._folder.name, account)
        init = [program("initdb", "postgresql"), f"--pgdata={data}", f"--username={user}"]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        run = {"check": True, "capture_output": True, "cwd": self._folder.name}
        try:
            subprocess.run([*init, *options], user=account, **run)
            # What the server has written survives its end, though not that of the machine.
            options = ["-p", str(port), "-h", "127.0.0.1", "-k", "", "-N", "200", "-F"]
            server = [program("postgres", "postgresql"), "-D", data, *options]
            super().__init__(log, *server, port=port, user=account)
            with psycopg.connect(self._admin, autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
        except BaseException:
            self._folder.cleanup()
            raise

    def go_away(self) -> None:
        self._process.kill(signal.SIGQUIT)  # "immediate"

    def close(self) -> None:
        super().close()
        self._folder.cleanup()

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self._admin):
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
