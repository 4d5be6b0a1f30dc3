"""Django tasks, for sites with `FACEAUTH_RUNNER = "tasks"`; the sweep finds what they leave."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from django import VERSION
from django.utils import timezone

from django_faceauth.services import notifications
from django_faceauth.services.background import webhook_events

if VERSION >= (6, 0):
    from django.tasks import exceptions, task
else:
    from django_tasks import exceptions, task  # type: ignore[no-redef]


@task
def process_event(pk: int) -> None:
    """Act on the webhook event with that primary key."""
    webhook_events.process(pk, now=timezone.now())


@task
def send_mail(name: str, pk: Any) -> None:
    """Send the mail of that name about the row with that primary key."""
    notifications.send(name, pk)


def hand_over(task: Any, *arguments: Any) -> None:
    """Enqueue a task; raises when the backend does not take it."""
    task.enqueue(*arguments)


def reach() -> None:
    """Ask for the result of an unknown task; raises when the backend cannot tell."""
    with suppress(NotImplementedError, exceptions.TaskResultDoesNotExist):
        process_event.get_backend().get_result(str(uuid4()))
