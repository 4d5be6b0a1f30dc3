"""How moments are written on a command line."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """Read `90m`, `6h` or `2d`, ago, or an ISO date and time; the type of an option.

    Raises `ArgumentTypeError`.
    """
    ago = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if ago:
        return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        found = parse_datetime(text)
    except ValueError:  # the 31st of February
        found = None
    if found is None:
        raise ArgumentTypeError("not a moment, such as 90m, 6h, 2d or 2026-03-01T12:00:00Z")
    return found if found.tzinfo else timezone.make_aware(found)
