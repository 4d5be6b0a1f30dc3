"""Link one user, or the users of a CSV file, to applicants of the provider."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_faceauth.exceptions import ConfigurationError, ProviderError
from django_faceauth.management import progress
from django_faceauth.services.enrolment import bulk

HEADER: Final = ["user", "applicant_id"]


class Command(BaseCommand):
    """Links one user, or all users of a list, or none of them if anything is wrong with it."""

    help = "Links users to applicants of the provider: alice aplt_…, or lines of user,applicant_id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="CSV in UTF-8, with or without a header, - for stdin; or a user"
        )
        parser.add_argument("applicant_id", nargs="?", help="the applicant of that one user")
        parser.add_argument("--dry-run", action="store_true", help="only look for problems")
        parser.add_argument(
            "--no-check", action="store_true", help="do not ask whether the provider knows them"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["applicant_id"]:
            plan = bulk.plan([bulk.Entry(1, options["file"], options["applicant_id"])])
        else:
            plan = _plan(options["file"])
        if not plan.problems and not options["no_check"]:
            try:
                with progress.bar(len(plan.links), "applicants") as step:
                    bulk.check(plan, tell=step)
            except (ProviderError, ConfigurationError) as error:
                raise CommandError(_("The provider cannot be asked: %s") % error) from None
        for line, wrong in sorted(plan.problems, key=lambda problem: problem[0]):
            self.stderr.write(_("line %(line)d: %(wrong)s") % {"line": line, "wrong": wrong})
        if plan.problems:
            count = len(plan.problems)
            text = ngettext(
                "No user was linked: %d problem.", "No user was linked: %d problems.", count
            )
            raise CommandError(text % count)
        if options["dry_run"]:
            text = _("would link: %d, linked already: %d")
        else:
            text = _("linked: %d, linked already: %d")
            try:
                with progress.bar(len(plan.links), "users") as step:
                    bulk.carry_out(plan, now=timezone.now(), tell=step)
            except IntegrityError:
                reason = _("No user was linked: another process is linking users.")
                raise CommandError(reason) from None
        self.stdout.write(text % (len(plan.links), plan.unchanged))


def _plan(path: str) -> bulk.Plan:
    try:
        if path != "-":
            with Path(path).open(encoding="utf-8-sig", newline="") as file:
                return bulk.plan(_entries(file))
        text = TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
        try:
            return bulk.plan(_entries(text))
        finally:
            text.detach()  # closing it would close the standard input
    except UnicodeDecodeError:
        raise CommandError(_("The file is not in UTF-8.")) from None
    except OSError as error:
        raise CommandError(_("The file cannot be read: %s") % error.strerror) from None
    except csv.Error as error:
        raise CommandError(_("The file is not valid CSV: %s") % error) from None


def _entries(file: Iterable[str]) -> Iterator[bulk.Entry]:
    reader = csv.reader(file, strict=True)
    for number, row in enumerate(reader):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 0 and cells == HEADER):
            continue
        # A line without two columns has no applicant id, and is reported as that.
        user, applicant_id = cells if len(cells) == len(HEADER) else (cells[0], "")
        yield bulk.Entry(reader.line_num, user, applicant_id)
