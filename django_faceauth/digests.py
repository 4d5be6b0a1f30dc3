"""Digests that are keyed with the site's `SECRET_KEY`."""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import salted_hmac


def digests(salt: str, value: str) -> list[str]:
    """Return the digest of a value, then those from before `SECRET_KEY` was rotated."""
    keys = (None, *settings.SECRET_KEY_FALLBACKS)
    return [salted_hmac(salt, value, secret=key, algorithm="sha256").hexdigest() for key in keys]
