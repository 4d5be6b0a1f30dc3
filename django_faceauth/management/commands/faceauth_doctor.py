"""Report what is wrong with this site and what to do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import ngettext

from django_faceauth.services.monitoring import doctor
from django_faceauth.services.monitoring.findings import CheckResult, Level


class Command(BaseCommand):
    """Looks at settings, database, provider, broker, background work and audit log."""

    help = (
        "Reports what is wrong with this site, one line each; exits with 1 if there is a problem."
    )
    # Reported as findings, among the others.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--no-network", action="store_true", help="call neither the provider nor the broker"
        )
        parser.add_argument(
            "--deploy",
            action="store_true",
            help="with DEBUG too, run the system checks that are for deployments",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print each finding at once."""
        found = doctor.examine(
            now=timezone.now(),
            network=not options["no_network"],
            deploy=options["deploy"] or not settings.DEBUG,
        )
        problems = 0
        for finding in found:
            self.stdout.write(_line(finding))
            problems += finding.level is Level.PROBLEM
        if problems:
            raise CommandError(ngettext("%d problem.", "%d problems.", problems) % problems)


def _line(finding: CheckResult) -> str:
    told = f"{finding.level:<8} {finding.id}: {finding.text} {finding.fix}"
    return " ".join(told.splitlines()).rstrip()
