"""`manage.py faceauth_export USER`: all that is held about somebody, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from django_faceauth.management import progress
from django_faceauth.management.people import add_user, user_named
from django_faceauth.services.privacy import exports


class Command(BaseCommand):
    """Writes to the standard output. Who runs it holds what it writes: keep it from others."""

    help = "Writes all that is held about a user as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        add_user(parser)
        parser.add_argument(
            "--with-fraud-codes", action="store_true", help="tell what fraud detection found, too"
        )
        parser.add_argument(
            "--no-input", action="store_true", help="accepted for scripts: nothing is asked"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Export one user."""
        user, now = user_named(options["user"]), timezone.now()
        with progress.bar(exports.KINDS, "kinds") as step:
            told = exports.export(
                user, now=now, with_fraud_codes=options["with_fraud_codes"], tell=step
            )
        text = json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        self.stdout.write(text)
