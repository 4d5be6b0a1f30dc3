"""A site as it is run: a server, workers and beat, each a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import redis
import requests
from amqp.exceptions import ChannelError
from celery import Celery
from django.db import connection
from django_tasks_db.models import DBTaskResult

from django_faceauth import django_tasks
from django_faceauth.provider.signatures import HEADER, sign
from django_faceauth.secret import Secret
from tests.celery import told
from tests.server import free_port
from tests.webhook_deliveries import KEY, URL

Found = TypeVar("Found")

PATIENCE: Final = 60.0
READY: Final = {"celery": " ready.", "tasks": "Starting worker"}
WSGI: Final = "django.core.wsgi:get_wsgi_application()"
SERVE: Final = [sys.executable, "-m", "gunicorn", WSGI, "--threads=16"]
DJANGO: Final = [sys.executable, "-m", "django"]
#: Debian's faketime 0.9.10 breaks `time.sleep` unless it may stop the clock of all other waits.
SLEEP: Final = "import select, time\ntime.sleep = lambda s: select.select([], [], [], s) and None\n"
CELERY: Final = [sys.executable, "-m", "celery", "--app", "tests.celery.app"]


class Process:
    """A program with all that it starts, in a process group of its own."""

    def __init__(
        self, log: Path, *arguments: str, env: dict[str, str], user: str | None = None
    ) -> None:
        self.log = log
        self._user = user
        self._arguments = arguments
        self._env = env
        self._running: subprocess.Popen[bytes] | None = None
        self._begins_at = 0

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._running and self._running.poll() is None:
            return
        self.kill()  # what is left of it
        with self.log.open("ab") as output:
            self._begins_at = output.tell()
            self._running = subprocess.Popen(
                self._arguments,
                env=self._env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.log.parent,
                user=self._user,
            )

    def says(self, words: str) -> bool:
        """Tell whether it has said that since its start."""
        return words.encode() in self.log.read_bytes()[self._begins_at :]

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End all of it at once, without a warning."""
        running, self._running = self._running, None
        if running is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(running.pid, how)
        running.wait()

    def kill_a_child(self) -> None:
        """End one of the processes that it started, if the system tells which there are."""
        pid = self._running.pid if self._running else 0
        with suppress(OSError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children[-1:]:
                os.kill(int(child), signal.SIGKILL)


class Stage:
    """A site of several processes on the database in use; ends them when it is closed."""

    def __init__(self, folder: Path, broker_url: str, runner: str = "celery") -> None:
        self.folder = folder
        self.runner = runner
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.broker_url = broker_url
        self.queue = f"faceauth-test-{uuid4().hex}"
        self._processes: list[Process] = []

    # -- the parts

    def open_site(self, *, broker_url: str | None = None) -> None:
        """Serve the site, and with it the provider; returns when it answers."""
        env = {"CELERY_BROKER_URL": broker_url} if broker_url else {}
        self._start("site", *SERVE, f"--bind=127.0.0.1:{self.port}", **env)
        self.eventually(partial(answers, self.url))

    def start_web(self, **env: str) -> tuple[str, Process]:
        """Serve the site at another URL, too."""
        port = free_port()
        web = self._start(f"web-{port}", *SERVE, f"--bind=127.0.0.1:{port}", **env)
        return f"http://127.0.0.1:{port}", web

    def start_worker(self, **env: str) -> Process:
        """Start a worker, of two processes with Celery; tasks wait until it is ready."""
        if self.runner == "tasks":
            options = ["--interval=0.1", "--no-reload"]
            return self._start("worker", *DJANGO, "db_worker", *options, **env)
        # A broker may still hold the queue of a worker of that name that was killed.
        name = f"--hostname={uuid4().hex}@%h"
        options = ["--concurrency=2", "--loglevel=INFO", "--without-mingle", name]
        return self._start("worker", *CELERY, "worker", *options, **env)

    def start_sweeps(self, **env: str) -> Process:
        """Start what sweeps every five seconds: beat, which keeps its notes in memory, or ours."""
        if self.runner != "celery":
            return self._start("sync", *DJANGO, "faceauth_sync", "--watch", **env)
        return self._start("beat", *CELERY, "beat", "--scheduler=celery.beat:Scheduler", **env)

    def clock_off_by(self, seconds: int) -> dict[str, str]:
        """Return what the environment of a process needs to have a wrong clock."""
        command = [program("faketime", "faketime"), "-f", "+0s", "printenv", "LD_PRELOAD"]
        # Set here, since faketime leaves shared memory behind when it is killed.
        library = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        (self.folder / "sitecustomize.py").write_text(SLEEP)
        return {
            "LD_PRELOAD": library.strip(),
            "FAKETIME": f"{seconds:+}s",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": os.pathsep.join([str(self.folder), *filter(None, sys.path)]),
        }

    def manage(self, *arguments: str) -> None:
        """Run a command of Django, and wait for its end."""
        command = [*DJANGO, *arguments]
        subprocess.run(command, env=self._env(), check=True, timeout=PATIENCE, capture_output=True)

    def close(self) -> None:
        """End every process, and leave nothing at the broker."""
        for process in self._processes:
            process.kill()
        _clean_up(self.broker_url, self.queue)

    # -- what is done with them

    def post(self, envelope: dict[str, Any]) -> int:
        """Deliver an event over the network and return the status of the answer."""
        return requests.post(self.url + URL, timeout=PATIENCE, **signed(envelope)).status_code

    def send(self, task: str, *arguments: int) -> None:
        """Send a task to the workers."""
        if self.runner == "tasks":
            django_tasks.hand_over(getattr(django_tasks, task), *arguments)
            return
        with self._broker() as (app, link):
            app.send_task(f"django_faceauth.tasks.{task}", arguments, connection=link)

    def tasks_waiting(self) -> int:
        """Count the tasks that no worker has taken."""
        if self.runner == "tasks":
            return DBTaskResult.objects.ready().count()
        if self.broker_url.startswith("redis:"):
            # kombu would look for the queue without the prefix of this run.
            with redis.Redis.from_url(self.broker_url) as server:
                return int(server.llen(self.queue + self.queue))
        with self._broker() as (_app, link), suppress(ChannelError):  # before the first task
            return int(link.default_channel.queue_declare(self.queue, passive=True).message_count)
        return 0

    def lose_tasks(self) -> None:
        """Throw away what waits at the broker."""
        if self.runner == "tasks":
            DBTaskResult.objects.all().delete()
            return
        with self._broker() as (_app, link):
            link.default_channel.queue_purge(self.queue)

    def told(self) -> Counter[tuple[object, ...]]:
        """Return what signals told, in all processes."""
        return told.read(self._told)

    def logs(self) -> str:
        """Return what the processes wrote."""
        return "".join(f"\n-- {log.name}\n{log.read_text()}" for log in self.folder.glob("*.log"))

    def eventually(self, found: Callable[[], Found], *, within: float = PATIENCE) -> Found:
        """Return what `found` finds as soon as that is something."""
        deadline = time.monotonic() + within
        while not (thing := found()):
            assert time.monotonic() < deadline, f"it did not happen\n{self.logs()[-10_000:]}"
            time.sleep(0.05)
        return thing

    def _start(self, name: str, *arguments: str, **env: str) -> Process:
        process = Process(self.folder / f"{name}.log", *arguments, env=self._env(**env))
        self._processes.append(process)
        process.start()
        return process

    @contextmanager
    def _broker(self) -> Iterator[tuple[Celery, Any]]:
        with client(self.broker_url, self.queue) as app, app.connection_for_write() as link:
            yield app, link

    @property
    def _told(self) -> Path:
        return self.folder / "told.jsonl"

    def _env(self, **env: str) -> dict[str, str]:
        return os.environ | {
            "CELERY_BROKER_URL": self.broker_url,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.celery.settings",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "SITE_PORT": str(self.port),
            "SITE_QUEUE": self.queue,
            "SITE_RUNNER": self.runner,
            told.VARIABLE: str(self._told),
            **env,
        }


def answers(url: str) -> bool:
    """Tell whether a site answers; it does without a database."""
    try:
        return requests.get(url + URL, timeout=PATIENCE).status_code == 405
    except requests.RequestException:
        return False


def program(name: str, package: str) -> str:
    """Return the path of a program; Debian keeps those of PostgreSQL off the PATH."""
    folders = [os.environ["PATH"], *glob("/usr/lib/postgresql/*/bin")]
    found = shutil.which(name, path=os.pathsep.join(folders))
    assert found, f"{name} is missing: apt-get install {package}"
    return found


def signed(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return an envelope as the arguments with which `requests` posts it."""
    body = json.dumps(envelope).encode()
    headers = {"Content-Type": "application/json", HEADER: sign(body, Secret(KEY))}
    return {"data": body, "headers": headers}


def database_url() -> str:
    """Return the URL of the database in use, which is that of the tests."""
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    return f"{server}/{connection.settings_dict['NAME']}"


@contextmanager
def client(broker_url: str, queue: str) -> Iterator[Celery]:
    """A Celery app that only sends, and closes its connections."""
    app = Celery("client", broker=broker_url, set_as_current=False)
    app.conf.task_default_queue = queue
    if broker_url.startswith("redis:"):
        app.conf.broker_transport_options = {"global_keyprefix": queue}
    try:
        yield app
    finally:
        app.close()


def _clean_up(broker_url: str, queue: str) -> None:
    if broker_url.startswith("redis:"):
        with redis.Redis.from_url(broker_url) as server:
            for key in server.scan_iter(match=f"{queue}*"):
                server.delete(key)
        return
    with client(broker_url, queue) as app, app.connection_for_write() as link:
        for delete in (link.default_channel.queue_delete, link.default_channel.exchange_delete):
            with suppress(ChannelError):
                delete(queue)
