"""`manage.py faceauth_erase USER`: have everything about somebody's face forgotten."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_faceauth.management import progress
from django_faceauth.management.people import add_user, user_named
from django_faceauth.models import Erasure, ErasureTask
from django_faceauth.services.privacy import erasure

State = ErasureTask.State


class Command(BaseCommand):
    """Writes the wish down, and goes as far with it as the provider lets us now.

    The sweep does what is left.
    """

    help = "Forgets everything about somebody's face, here and at the provider."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        add_user(parser)
        parser.add_argument("--no-input", action="store_true", help="do not ask to confirm")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Warn, confirm, erase."""
        user = user_named(options["user"])
        self.stderr.write(
            _(
                "This cannot be undone. Face checks will stop working for this user, who is "
                "left to the fallback, until they are enrolled anew."
            )
        )
        if not options["no_input"] and input(_("Type “yes”, in English, to go on: ")) != "yes":
            raise CommandError(_("Nothing was erased."))
        now = timezone.now()
        wish = erasure.request(user, reason=Erasure.Reason.REQUEST, by=None, now=now)
        self._advance(wish)
        self._tell(wish)

    def _advance(self, wish: Erasure) -> None:
        with progress.bar(_count(wish, State.DUE), "erasures") as step:
            while decided := erasure.advance(now=timezone.now(), of=wish):
                step(decided)

    def _tell(self, wish: Erasure) -> None:
        counts = {state.value: _count(wish, state) for state in State}
        text = _("erased: %(done)d, waiting for the provider: %(due)d, refused: %(refused)d")
        self.stdout.write(text % counts)
        if counts[State.REFUSED]:
            raise CommandError(_("The provider refused: somebody must look into it."))


def _count(wish: Erasure, state: ErasureTask.State) -> int:
    return wish.tasks.filter(state=state).count()
