"""Settings of the example bank, with passwords that take no time to check.

`CLOCK_AHEAD` is how many seconds the clock of the process is ahead.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import time_machine
from bank.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "CLOCK_AHEAD" in os.environ:
    ahead = timedelta(seconds=int(os.environ["CLOCK_AHEAD"]))
    time_machine.travel(datetime.now(UTC) + ahead).start()
