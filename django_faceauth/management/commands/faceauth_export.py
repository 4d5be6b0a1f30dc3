"""Export a user's face data as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from django_faceauth.management import progress
from django_faceauth.management.arguments import get_user
from django_faceauth.services.privacy import exports


class Command(BaseCommand):
    """Writes personal data to the standard output: keep it from others."""

    help = "Writes all data that is stored about a user as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name or primary key")
        parser.add_argument(
            "--with-fraud-codes", action="store_true", help="include the results of fraud detection"
        )
        parser.add_argument(
            "--no-input", action="store_true", help="accepted for scripts: nothing is asked"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        user, now = get_user(options["user"]), timezone.now()
        with progress.bar(len(exports.CATEGORIES), "kinds") as step:
            data = exports.export(
                user, now=now, with_fraud_codes=options["with_fraud_codes"], tell=step
            )
        text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        self.stdout.write(text)
