"""`manage.py faceauth_doctor`: is everything as it should be, and what to do if not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import ngettext

from django_faceauth.services import diagnosis
from django_faceauth.services.findings import Finding, Level


class Command(BaseCommand):
    """Looks at settings, database, provider, broker, background work and audit log."""

    help = "Tells what is wrong with this site, one line each; exits with 1 if there is a problem."
    # Said as findings, among the others.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--no-network", action="store_true", help="call neither the provider nor the broker"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Tell each finding as it is found."""
        problems = 0
        for finding in diagnosis.examine(now=timezone.now(), network=not options["no_network"]):
            self.stdout.write(_line(finding))
            problems += finding.level is Level.PROBLEM
        if problems:
            raise CommandError(ngettext("%d problem.", "%d problems.", problems) % problems)


def _line(finding: Finding) -> str:
    told = f"{finding.level:<8} {finding.id}: {finding.text} {finding.fix}"
    return " ".join(told.splitlines()).rstrip()
