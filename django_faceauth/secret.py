"""Secrets, and digests that are keyed with the site's `SECRET_KEY`."""

from __future__ import annotations

import hmac
from typing import final

from django.conf import settings
from django.utils.crypto import salted_hmac


@final
class Secret:
    """A secret text.

    `repr`, `str` and formatting return `***`; only `reveal()` returns the text. Keep the
    result of `reveal()` out of local variables: error reports print those.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self.__text

    def _bytes(self) -> bytes:
        # An encoding error would carry the secret with it.
        return self.__text.encode("utf-8", "surrogatepass")

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._bytes(), other._bytes())

    def __hash__(self) -> int:
        return hash(self.__text)


def digests(salt: str, value: str) -> list[str]:
    """Return the digest of a value, then those from before `SECRET_KEY` was rotated."""
    keys = (None, *settings.SECRET_KEY_FALLBACKS)
    return [salted_hmac(salt, value, secret=key, algorithm="sha256").hexdigest() for key in keys]
