"""Settings of the example bank, with passwords that take no time to check."""

from __future__ import annotations

from bank.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
