"""Delete rows whose retention period is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from django_faceauth.management import progress
from django_faceauth.services.privacy import retention


class Command(BaseCommand):
    """Runs once a day. Sites with Celery have it in their beat schedule instead."""

    help = "Deletes rows that are older than FACEAUTH_RETENTION allows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        counts = retention.count(now=now)
        if not options["dry_run"]:
            with progress.bar(sum(counts.values()), "rows") as step:
                counts = retention.purge(now=now, tell=step)
        for name, number in counts.items():
            self.stdout.write(f"{name}: {number}")
