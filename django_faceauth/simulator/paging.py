"""Lists that are given a page at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django_faceauth.simulator.problems import refuse

WHOLE_NUMBER: Final = re.compile(r"-?\d{1,9}", re.ASCII)
LARGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a list that is asked for."""

    skip: int = 0
    limit: int = 10

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Window:
        """Return the window that a query string asks for."""
        texts = {"skip": query.get("skip", "0"), "limit": query.get("limit", "10")}
        refuse(f"{name}_invalid" for name in texts if not WHOLE_NUMBER.fullmatch(texts[name]))
        return cls(
            skip=max(0, int(texts["skip"])),
            limit=min(max(1, int(texts["limit"])), LARGEST_PAGE),
        )

    def link(self, address: str, skip: int) -> dict[str, str]:
        """Return the link to the same number of items at another place."""
        query = urlencode({"skip": max(0, skip), "limit": self.limit})
        return {"href": f"{address}?{query}"}


def page(items: Sequence[dict[str, Any]], window: Window, address: str) -> dict[str, Any]:
    """Return one page of `items`, a list that lives at `address`."""
    end = window.skip + window.limit
    links = {"self": window.link(address, window.skip)}
    if end < len(items):
        links["next"] = window.link(address, end)
    if window.skip > 0:
        links["previous"] = window.link(address, window.skip - window.limit)
    return {
        "total_count": len(items),
        "skip": window.skip,
        "limit": window.limit,
        "data": items[window.skip : end],
        "_links": links,
    }
