"""`manage.py demo_people`."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import BaseCommand, CommandError

from bank.demo import GROUPS, PASSWORD, TOTP_SECRET, USERS
from django_faceauth import enrolment


class Command(BaseCommand):
    """Create the users of the demo, and list them with the outcome of their face checks."""

    help = "Create the users of the demo unless they exist, and list them."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's arguments
        if not settings.DEBUG:
            raise CommandError("These passwords are public: only with DEBUG.")
        password = make_password(PASSWORD)
        for demo_user in USERS:
            user, _created = User.objects.get_or_create(
                username=demo_user.username,
                defaults={
                    "password": password,
                    "email": f"{demo_user.username}@example.com",
                    "is_staff": bool(demo_user.group) or demo_user.is_superuser,
                    "is_superuser": demo_user.is_superuser,
                },
            )
            if demo_user.group:
                group, _created = Group.objects.get_or_create(name=demo_user.group)
                permissions = Permission.objects.filter(codename__in=GROUPS[demo_user.group])
                group.permissions.set(permissions)
                user.groups.add(group)
            if demo_user.applicant_id:
                enrolment.link(user, demo_user.applicant_id, check=False)
        Authenticator.objects.get_or_create(
            user=User.objects.get(username="dave"),
            type=Authenticator.Type.TOTP,
            defaults={"data": {"secret": encrypt(TOTP_SECRET)}},
        )
        self.stdout.write("username / password")
        for demo_user in USERS:
            self.stdout.write(f"{demo_user.username} / {PASSWORD}: {demo_user.outcome}")
        self.stdout.write(
            "\nDave's one-time codes come from manage.py demo_code, or from an authenticator app\n"
            f"with the secret {TOTP_SECRET}."
        )
        self.stdout.write("\nThen open Statements, Payout or Settings. Each asks for a face.")
