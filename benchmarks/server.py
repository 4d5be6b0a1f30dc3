"""A real server of the benchmarks' site, and a client without a library."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import sleep

from django.db import connection

Address = tuple[str, int]


@contextmanager
def running(**environment: str) -> Iterator[Address]:
    """Run gunicorn with two workers on the database of this run; yield where it listens."""
    address = ("127.0.0.1", _free_port())
    given = {"BENCH_DATABASE": str(connection.settings_dict["NAME"]), **environment}
    command = [sys.executable, "-m", "gunicorn", "benchmarks.wsgi", "--workers=2"]
    command += [f"--bind={address[0]}:{address[1]}", "--log-level=error"]
    process = subprocess.Popen(command, env=os.environ | given)  # noqa: S603 - all of it is ours
    try:
        _await(address)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def send(
    address: Address, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> int:
    """Send one request over a connection of its own; return the status of the answer."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {headers[name]}" for name in headers)]
    with socket.create_connection(address, timeout=30) as sock:
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return int(sock.recv(4096).split(maxsplit=2)[1])


def _await(address: Address) -> None:
    for _ in range(200):
        try:
            send(address, "GET", "/nowhere/", {})
        except OSError:
            sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port
