"""The three runners of short jobs, and where each keeps what it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from django.test import override_settings
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from django_faceauth import tasks

#: A job that waits: its name and its arguments.
Job = tuple[str, list[Any]]


class RequestRunner:
    """Web processes do the work; there is nothing that could refuse it."""

    name = "request"

    def waiting(self) -> list[Job]:
        return []

    def work(self) -> None:
        pass

    def lose(self) -> None:
        pass

    @contextmanager
    def refusing(self) -> Iterator[None]:
        yield


class CeleryRunner:
    """Celery with a broker in the memory of this process."""

    name = "celery"

    def __init__(self) -> None:
        self._app = Celery("suite", broker="memory://", set_as_current=True)
        self._app.control.purge()  # all memory brokers of a process are one
        self._taken: list[Job] = []

    def waiting(self) -> list[Job]:
        with self._app.connection() as broker:
            while message := broker.default_channel.basic_get("celery", no_ack=True):
                name = message.headers["task"].removeprefix("django_faceauth.tasks.")
                self._taken.append((name, json.loads(message.body)[0]))
        return list(self._taken)

    def work(self) -> None:
        jobs = self.waiting()
        self._taken.clear()
        for name, arguments in jobs:
            getattr(tasks, name)(*arguments)

    def lose(self) -> None:
        self.waiting()
        self._taken.clear()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Its broker is away; needs sockets."""
        app = Celery("refusing", broker="redis://127.0.0.1:1/0", set_as_current=True)
        yield
        app.close()
        self._app.set_current()


class TasksRunner:
    """Django's tasks with a backend in the database, and its worker."""

    name = "tasks"

    def waiting(self) -> list[Job]:
        return [
            (row.task_path.removeprefix("django_faceauth.django_tasks."), row.args_kwargs["args"])
            for row in DBTaskResult.objects.ready().order_by("enqueued_at")
        ]

    def work(self) -> None:
        Worker(
            queue_names=["default"],
            interval=0,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id="suite",
            excluded_queue_names=[],
        ).run()
        assert not DBTaskResult.objects.failed().exists()

    def lose(self) -> None:
        DBTaskResult.objects.all().delete()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Its backend has no queue for us."""
        backend = {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["mine"]}
        with override_settings(TASKS={"default": backend}):
            yield


Runner = RequestRunner | CeleryRunner | TasksRunner
RUNNERS: dict[str, type[Runner]] = {
    runner.name: runner for runner in (RequestRunner, CeleryRunner, TasksRunner)
}
