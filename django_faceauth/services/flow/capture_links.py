"""Capture links that were handed out a moment ago, so that they cost no second call.

In the memory of this process and nowhere else: a link lets its holder take the place of its
user, so no row and no cache ever holds one. Another process asks the provider.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

#: Of so many challenges, the newest ones.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class HandOff:
    """The browser may go to the capture page now, which can be opened until `expires_at`."""

    capture_url: str = field(repr=False)
    expires_at: datetime


_lock: Final = Lock()
_links: Final[OrderedDict[str, HandOff]] = OrderedDict()


def remember(handle: str, link: HandOff) -> None:
    """Keep the link that a challenge has now."""
    with _lock:
        _links[handle] = link
        _links.move_to_end(handle)
        if len(_links) > MOST:
            _links.popitem(last=False)


def remembered(handle: str, *, now: datetime) -> HandOff | None:
    """Return the link of a challenge, if this process knows it and it can still be opened."""
    with _lock:
        link = _links.get(handle)
        if link is None or now < link.expires_at:
            return link
        del _links[handle]
    return None
