"""`manage.py faceauth_doctor`: is everything as it should be, and what to do if not."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_faceauth.conf import conf
from django_faceauth.explanations import EXPLANATIONS, known_as
from django_faceauth.services import diagnosis
from django_faceauth.services.findings import Finding, Level

#: What `--explain` without an id asks for.
ALL_FOUND: Final = ""


class Command(BaseCommand):
    """Looks at settings, database, provider, broker, background work and audit log."""

    help = (
        "Tells what is wrong with this site, one line each; exits with 1 if there is a problem. "
        "With --explain: what that means, why it matters, and what to do."
    )
    # Said as findings, among the others.
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
        parser.add_argument(
            "--explain",
            metavar="ID",
            nargs="?",
            const=ALL_FOUND,
            help="explain one finding, such as E004 or sweeps, and look at nothing; "
            "without an id, explain whatever is found",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Explain one finding, or tell each as it is found."""
        if options["explain"]:
            self.stdout.write("\n".join(_explanation_of(options["explain"])))
            return
        found = diagnosis.examine(
            now=timezone.now(),
            network=not options["no_network"],
            deploy=options["deploy"] or not conf.DEBUG,
        )
        problems = 0
        for finding in found:
            self._tell(finding, in_full=options["explain"] == ALL_FOUND)
            problems += finding.level is Level.PROBLEM
        if problems:
            raise CommandError(ngettext("%d problem.", "%d problems.", problems) % problems)

    def _tell(self, finding: Finding, *, in_full: bool) -> None:
        self.stdout.write(_line(finding))
        if in_full and finding.level is not Level.OK:
            for line in _lines(finding.id):
                self.stdout.write(f"  {line}")


def _line(finding: Finding) -> str:
    told = f"{finding.level:<8} {finding.id}: {finding.text} {finding.fix}"
    return " ".join(told.splitlines()).rstrip()


def _explanation_of(name: str) -> list[str]:
    known = known_as(name)
    if known is None:
        ids = ", ".join(EXPLANATIONS)
        raise CommandError(
            _("There is no finding %(name)s, but: %(ids)s.") % {"name": name, "ids": ids}
        )
    return [known, *(f"  {line}" for line in _lines(known))]


def _lines(known: str) -> list[str]:
    """Return what the reference says; nothing of a check of the site's own."""
    explanation = EXPLANATIONS.get(known)
    if explanation is None:
        return []
    return [
        f"What it means: {explanation.meaning}",
        f"Why it matters: {explanation.why}",
        f"What to do: {explanation.fix}",
        f"Read on: docs/{explanation.page}",
    ]
