"""`manage.py demo_history`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bank import history


class Command(BaseCommand):
    """Play two weeks of face checks, so that staff find something to review."""

    help = "Play two weeks of face checks for the review desk, unless there were some."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's arguments
        """Play them."""
        if not settings.DEBUG:
            raise CommandError("This makes things up: only with DEBUG.")
        if count := history.play():
            self.stdout.write(f"Played {count} face checks of the last two weeks.")
