"""`manage.py demo_history`."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db.models import DateTimeField, F
from django.test import Client, override_settings

from django_faceauth.models import AttemptRequest, Consent, FaceAuthentication
from django_faceauth.testing import Outcome, simulated

if TYPE_CHECKING:
    from django_faceauth.testing.simulation import Simulation


class Check(NamedTuple):
    """A face check some days ago, with the outcome of each attempt."""

    days: int
    username: str
    outcomes: tuple[Outcome, ...] = ("approved",)


CHECKS: Final = (
    *(Check(days, "alice") for days in (13, 12, 10, 9, 7, 6, 5, 3, 2, 1)),
    *(Check(days, "frank") for days in (13, 11, 8, 6, 4)),
    Check(11, "carol", ("left", "approved")),
    Check(9, "dave", ("refused",)),
    Check(8, "bob", ("declined",)),
    Check(5, "carol", ("left", "approved")),
    Check(4, "grace"),
    Check(3, "frank", ("left", "retry", "left", "approved")),
    Check(2, "bob", ("declined",)),
    Check(1, "frank", ("declined",)),
    Check(1, "frank"),
)


class Command(BaseCommand):
    """Play two weeks of face checks with the simulator, so that staff find cases to review."""

    help = "Play two weeks of face checks for the review queue, unless there are some."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's arguments
        if not settings.DEBUG:
            raise CommandError("This creates sample data: only with DEBUG.")
        if FaceAuthentication.objects.exists():
            return
        limits = {**settings.FACEAUTH_RATE_LIMITS, "lockout": None}  # type: ignore[misc]  # is there
        quiet = override_settings(FACEAUTH_RATE_LIMITS=limits, FACEAUTH_NOTICES=False)
        logging.disable()  # these declines are expected
        try:
            with quiet, simulated() as provider:
                rows = [_play(check, provider) for check in CHECKS]
        finally:
            logging.disable(logging.NOTSET)
        for row, check in zip(rows, CHECKS, strict=True):
            _move_back(row, timedelta(days=check.days))
        # Visitors of the demo are asked for their consent, and have all their attempts left.
        Consent.objects.all().delete()
        AttemptRequest.objects.all().delete()
        self.stdout.write(f"Played {len(rows)} face checks of the last two weeks.")


def _play(check: Check, provider: Simulation) -> FaceAuthentication:
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.get(username=check.username))
    for outcome in check.outcomes:
        provider.show_face(browser, "/statements/", outcome=outcome)
    return FaceAuthentication.objects.latest("pk")


def _move_back(row: FaceAuthentication, by: timedelta) -> None:
    case = getattr(row, "review_case", None)
    related = [row.challenge, *row.attempts.all(), *row.status_changes.all()]
    for each in (row, *related, *([case] if case else [])):
        fields = [field for field in each._meta.fields if isinstance(field, DateTimeField)]
        moments = {field.name: F(field.name) - by for field in fields}
        type(each)._base_manager.filter(pk=each.pk).update(**moments)
    FaceAuthentication.objects.filter(pk=row.pk).update(next_poll_at=None)
