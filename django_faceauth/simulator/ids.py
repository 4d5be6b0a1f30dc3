"""New identifiers, in the provider's alphabet."""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


def new_id(prefix: str) -> str:
    """Return a new identifier, such as `fav_` and 26 characters."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(26))}"
