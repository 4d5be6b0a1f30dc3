"""What programs send, read without believing what they say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, FormParser, JSONParser

#: Whatever the charset of the request says: some that Python knows unpack what is packed.
ENCODING: Final = {"encoding": "utf-8"}


class Plain(BaseParser):
    """Reads UTF-8 (RFC 8259), not nested more deeply than Python can follow."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what was sent; raises `ParseError`."""
        try:
            return super().parse(stream, media_type, {**(parser_context or {}), **ENCODING})
        except RecursionError:
            raise ParseError from None


class PlainJSONParser(Plain, JSONParser):
    """Takes JSON."""


class PlainFormParser(Plain, FormParser):
    """Takes the fields of a form."""
