"""Keep secrets out of logs and error reports."""

from __future__ import annotations

import hmac
from typing import final


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
