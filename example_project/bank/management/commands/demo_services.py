"""`manage.py demo_services`."""

from __future__ import annotations

from typing import Any, Final

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connection
from kombu.exceptions import KombuError

ADVICE: Final = """{name} cannot be reached: {reason}
Start one, for example with
    docker run --rm --publish {container}
or set {variable} to the URL of yours."""

DATABASE: Final = {
    "name": "The database",
    "variable": "DATABASE_URL",
    "container": "127.0.0.1:5432:5432 --env POSTGRES_HOST_AUTH_METHOD=trust postgres",
}
BROKER: Final = {
    "name": "The broker",
    "variable": "CELERY_BROKER_URL",
    "container": "127.0.0.1:6379:6379 redis",
}


class Command(BaseCommand):
    """Check that the services of `make demo-full` are there."""

    help = "Check that database and broker can be reached."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's arguments
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            raise CommandError(_advice(DATABASE, error)) from None
        try:
            with current_app.connection_for_write(connect_timeout=2) as broker:
                broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        except (KombuError, OSError) as error:
            raise CommandError(_advice(BROKER, error)) from None


def _advice(service: dict[str, str], error: Exception) -> str:
    return ADVICE.format(**service, reason=str(error).strip().splitlines()[0])
