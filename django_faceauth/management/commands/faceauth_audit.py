"""`manage.py faceauth_audit`: what staff and commands did, and whether the log is whole."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_faceauth.management.arguments import moment
from django_faceauth.models import AuditEntry
from django_faceauth.services import audit_log


class Command(BaseCommand):
    """Lists the audit log, oldest first, or verifies it (L-03)."""

    help = "Lists the audit log, or verifies that nobody changed it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--since", type=moment, help="only entries since: 90m, 6h, 2d ago, or a date"
        )
        choice.add_argument(
            "--verify",
            action="store_true",
            help="read the whole chain; exit with 1 if it is broken",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write a line for each entry, or one about the chain."""
        if options["verify"]:
            self._verify()
            return
        for entry in audit_log.entries(since=options["since"]):
            self.stdout.write(_line(entry))

    def _verify(self) -> None:
        verified = audit_log.verify()
        if verified.first_break is not None:
            raise CommandError(_("Broken at entry %d.") % verified.first_break)
        count = verified.count
        self.stdout.write(ngettext("Whole: %d entry.", "Whole: %d entries.", count) % count)
        self.stdout.write(_("Head: %s") % (verified.head or "-"))


def _line(entry: AuditEntry) -> str:
    """Write an entry with tabs between its parts, and a dash for what is empty."""
    at = entry.at.astimezone(UTC).isoformat(timespec="milliseconds")
    details = json.dumps(entry.details, sort_keys=True)
    parts = (str(entry.number), at, entry.event, entry.by, entry.subject, details)
    return "\t".join(part or "-" for part in parts)
