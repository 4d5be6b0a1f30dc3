"""A Celery app with a queue of its own, which nobody consumes."""

from __future__ import annotations

from celery import Celery
from django.conf import settings

QUEUE = "faceauth-bench"

app = Celery("benchmarks", broker=settings.CELERY_BROKER_URL, set_as_current=True)
app.conf.task_default_queue = QUEUE
app.conf.task_ignore_result = True


@app.task
def nothing(event_id: str) -> None:
    """Stand for what a site does with an event."""


def is_there() -> bool:
    """Tell whether tasks can be sent."""
    try:
        with app.connection_for_write(connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except (OSError, app.connection_for_write().connection_errors):
        return False
    return True


def clear() -> None:
    """Drop what was sent."""
    with app.connection_for_write() as connection, connection.channel() as channel:
        queue = app.amqp.queues[QUEUE].bind(channel)
        queue.declare()  # only what this process knows of is deleted
        queue.delete()
