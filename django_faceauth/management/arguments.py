"""Arguments that several commands take."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from django_faceauth import clocks
from django_faceauth.durations import UNITS
from django_faceauth.services.enrolment import bulk

AGO: Final = re.compile(r"(\d{1,6})([mhd])", re.ASCII)


def moment(text: str) -> datetime:
    """Parse `90m`, `6h` or `2d`, ago, or an ISO date and time; the type of an option.

    Raises `ArgumentTypeError`.
    """
    ago = AGO.fullmatch(text)
    if ago:
        now = timezone.now()
        return now - min(int(ago[1]) * UNITS[ago[2]], now - clocks.EARLIEST)
    try:
        parsed = parse_datetime(text)
    except ValueError:  # the 31st of February
        parsed = None
    parsed = clocks.in_range(parsed and (parsed if parsed.tzinfo else timezone.make_aware(parsed)))
    if parsed is None:
        raise ArgumentTypeError("not a moment, such as 90m, 6h, 2d or 2026-03-01T12:00:00Z")
    return parsed


def get_user(name: str) -> AbstractBaseUser:
    """Return the user with that name or primary key; raise `CommandError` for none and for two."""
    users = bulk.find_users([name])[name]
    if len(users) > 1:
        raise CommandError(_("That names two users, one by name and one by primary key."))
    if not users:
        raise CommandError(_("There is no such user."))
    return users[0]
