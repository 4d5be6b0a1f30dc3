"""`manage.py demo_people`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from bank.people import PASSWORD, PEOPLE, Person
from django_faceauth import enrolment


class Command(BaseCommand):
    """Make the people of the demo, and say what will happen to each."""

    help = "Make the people of the demo, unless they are there, and list them."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's arguments
        """Make everybody, and print a line for each."""
        if not settings.DEBUG:
            raise CommandError("Everybody knows these passwords: only with DEBUG.")
        password = make_password(PASSWORD)
        for person in PEOPLE:
            _welcome(person, password)
        self.stdout.write("username / password")
        for person in PEOPLE:
            self.stdout.write(f"{person.username} / {PASSWORD}: {person.fate}")
        self.stdout.write("\nThen open Statements, Payout or Settings. Each asks for a face.")


def _welcome(person: Person, password: str) -> None:
    user, _created = User.objects.get_or_create(
        username=person.username,
        defaults={
            "password": password,
            "email": f"{person.username}@example.com",
            "is_staff": person.is_staff,
            "is_superuser": person.is_staff,
        },
    )
    if person.applicant_id:
        enrolment.link(user, person.applicant_id)
