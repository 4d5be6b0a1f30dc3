"""Erase a user's face data, here and at the provider."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.management import progress
from django_faceauth.management.arguments import get_user
from django_faceauth.models import Erasure, ErasureTask
from django_faceauth.services.privacy import erasure

State = ErasureTask.State


class Command(BaseCommand):
    """Records the request, and does as much of it as the provider allows now.

    The sweep does the rest.
    """

    help = "Erases all data about a user's face, here and at the provider."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name or primary key")
        parser.add_argument("--no-input", action="store_true", help="do not ask to confirm")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = get_user(options["user"])
        self.stderr.write(
            _(
                "This cannot be undone. Face checks will stop working for this user, who has "
                "to use the fallback until enrolled again."
            )
        )
        if conf.ERASE_APPLICANT:
            at_provider = _(
                "At the provider, the face authentications, the identity verifications and the "
                "applicant of this user are anonymized, for all products that use the applicant."
            )
        else:
            at_provider = _(
                "At the provider, the face authentications are anonymized. The applicant and the "
                "identity verification with its video stay: FACEAUTH_ERASE_APPLICANT is off."
            )
        self.stderr.write(at_provider)
        if not options["no_input"] and input(_("Type “yes”, in English, to go on: ")) != "yes":
            raise CommandError(_("Nothing was erased."))
        request = erasure.request(user, reason=Erasure.Reason.REQUEST, by=None, now=timezone.now())
        with progress.bar(request.tasks.filter(state=State.DUE).count(), "erasures") as step:
            while decided := erasure.advance(now=timezone.now(), of=request):
                step(decided)
        counts = {state.value: request.tasks.filter(state=state).count() for state in State}
        text = _("erased: %(done)d, waiting for the provider: %(due)d, rejected: %(refused)d")
        self.stdout.write(text % counts)
        if counts[State.REFUSED]:
            raise CommandError(_("The provider rejected an erasure: ask its support."))
