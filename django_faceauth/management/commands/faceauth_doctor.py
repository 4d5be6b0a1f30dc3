"""Report what is wrong with this site and what to do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import ngettext

from django_faceauth import runner
from django_faceauth.services.monitoring import doctor


class Command(BaseCommand):
    """Checks settings, database, provider, runner, background work and erasures."""

    help = (
        "Reports what is wrong with this site, one line each; exits with 1 if there is a problem."
    )
    # Reported as results, among the others.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-network", action="store_true", help="call neither the provider nor the runner"
        )
        parser.add_argument(
            "--deploy",
            action="store_true",
            help="with DEBUG too, run the system checks that are for deployments",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        results = doctor.examine(
            now=timezone.now(),
            network=not options["no_network"],
            deploy=options["deploy"] or not settings.DEBUG,
            find_tasks=runner.tasks,
        )
        styles = {doctor.Level.WARNING: self.style.WARNING, doctor.Level.PROBLEM: self.style.ERROR}
        problems = 0
        with doctor.quiet():
            for result in results:
                self.stdout.write(str(result), styles.get(result.level))
                problems += result.level is doctor.Level.PROBLEM
        if problems:
            raise CommandError(ngettext("%d problem.", "%d problems.", problems) % problems)
