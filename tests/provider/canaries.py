"""Values that must turn up nowhere. Each is in pieces here, lest a report quotes this file."""

from __future__ import annotations

from typing import Final

_MARK: Final = "ca" + "nary"

KEY: Final = f"sk_sbox_{_MARK}_key"
CLIENT_SECRET: Final = f"{_MARK}_client_secret"
TOKEN: Final = f"{_MARK}_access_token"
CAPTURE: Final = f"https://capture.checkout.com/{_MARK}_capture"

_PARTS: Final = {
    "KEY": "_key",
    "CLIENT_SECRET": "_client_secret",
    "TOKEN": "_access_token",
    "CAPTURE": "_capture",
}


def client_secret() -> str:
    """A secret as settings give it: a callable."""
    return CLIENT_SECRET


def phone() -> str:
    """A user's number."""
    return "60000" + "4711"


def found_in(text: str) -> list[str]:
    """Return the names of what is in a text."""
    found = [name for name, part in _PARTS.items() if _MARK + part in text]
    return [*found, "PHONE"] if phone() in text else found
