"""The person that a command is about."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_faceauth.services.enrolment import user_lookup


def add_user(parser: CommandParser) -> None:
    """Add the argument `user`."""
    parser.add_argument("user", help="user name or primary key")


def user_named(name: str) -> AbstractBaseUser:
    """Return the user that `name` means; raise `CommandError` for none and for two."""
    found = user_lookup.find([name])[name]
    if len(found) > 1:
        raise CommandError(_("That names two users, one by name and one by primary key."))
    if not found:
        raise CommandError(_("There is no such user."))
    return found[0]
