"""`manage.py demo_code`."""

from __future__ import annotations

from typing import Any

from allauth.mfa.totp.internal import auth as totp
from django.core.management.base import BaseCommand

from bank.demo import TOTP_SECRET


class Command(BaseCommand):
    """Print a one-time code of Dave, as his authenticator app would show it."""

    help = "Print the present one-time code of dave."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's arguments
        counters = list(totp.yield_hotp_counters_from_time())
        now = counters[len(counters) // 2]  # between the earlier and later ones that count, too
        self.stdout.write(totp.format_hotp_value(totp.hotp_value(TOTP_SECRET, now)))
