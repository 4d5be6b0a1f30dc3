"""How moments are written on a command line."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from django_faceauth import clocks
from django_faceauth.durations import UNITS

AGO: Final = re.compile(r"(\d{1,6})([mhd])", re.ASCII)


def moment(text: str) -> datetime:
    """Read `90m`, `6h` or `2d`, ago, or an ISO date and time; the type of an option.

    Raises `ArgumentTypeError`.
    """
    ago = AGO.fullmatch(text)
    if ago:
        now = timezone.now()
        return now - min(int(ago[1]) * UNITS[ago[2]], now - clocks.EARLIEST)
    try:
        found = parse_datetime(text)
    except ValueError:  # the 31st of February
        found = None
    found = clocks.in_range(found and (found if found.tzinfo else timezone.make_aware(found)))
    if found is None:
        raise ArgumentTypeError("not a moment, such as 90m, 6h, 2d or 2026-03-01T12:00:00Z")
    return found
