"""The demo bank as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import requests

from django_faceauth.conf import RATE_LIMITS

MANAGE: Final = Path(__file__).parent.parent / "example_project" / "manage.py"
SETTINGS: Final = "tests.example.settings"
DATABASE: Final = "bank.sqlite3"
START_SECONDS: Final = 30


@contextmanager
def running_bank(tmp_path: Path, **env: str) -> Iterator[str]:
    """Serve the bank with its users from a fresh database; yield its URL.

    `env` is the environment from which the bank reads its settings.
    """
    port = free_port()
    # Every module logs in the same users, more often than the limits allow.
    unlimited = {"FACEAUTH_RATE_LIMITS": json.dumps(dict.fromkeys(RATE_LIMITS))}
    settings = {"DJANGO_SETTINGS_MODULE": SETTINGS, "PORT": str(port)}
    env = settings | unlimited | env
    database = tmp_path / DATABASE
    if not database.exists():  # a second server of one bank has it
        database.write_bytes(new_database())
    log = tmp_path / "bank.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, MANAGE, "runserver", "--noreload", f"127.0.0.1:{port}"],
            env=environment(tmp_path, **env),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/login/", server, log)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


@cache
def new_database() -> bytes:
    """Return a database with the users of the bank: making one takes seconds."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for command in (["migrate", "--verbosity=0"], ["demo_people"]):
            manage(folder, *command, DJANGO_SETTINGS_MODULE=SETTINGS)
        return (folder / DATABASE).read_bytes()


def manage(tmp_path: Path, *arguments: str, **env: str) -> str:
    """Run a command of the bank and return what it prints."""
    done = subprocess.run(
        [sys.executable, MANAGE, *arguments],
        env=environment(tmp_path, **env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(tmp_path: Path, **env: str) -> dict[str, str]:
    """Return an environment for the bank: nothing of the suite's own settings gets in."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("FACEAUTH_")}
    return mine | {
        "DATABASE_URL": f"sqlite:///{tmp_path / DATABASE}",
        "DJANGO_SETTINGS_MODULE": "bank.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        **env,
    }


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path | None = None) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text() if log else ''}")
