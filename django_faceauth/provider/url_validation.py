"""URLs that we may call or send a browser to.

A URL is matched as a whole against one narrow pattern instead of being taken apart by a
parser: anything unusual (userinfo, ports, IP addresses, other alphabets, backslashes,
control characters) does not match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Hosts of the provider's API and token endpoint.
API_HOSTS: Final = (".checkout.com", ".ubble.ai")
MAX_LENGTH: Final = 2048

_TAIL: Final = r"(?:[/?#][!-\[\]-~]*)?"  # printable ASCII without the backslash
# The last label begins with a letter, which no IPv4 address does.
_PUBLIC: Final = rf"https://(?P<host>(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*){_TAIL}"
_LOCAL: Final = rf"https?://(?P<place>(?P<host>[a-z0-9.-]+)(?::\d{{1,5}})?){_TAIL}"


def is_capture_url(url: str, *, hosts: Iterable[str], debug: bool) -> bool:
    """Return whether the browser may be sent to `url`, or a picture fetched from it.

    `hosts` are exact names, names with a leading dot (subdomains), or `host:port`,
    which allow plain HTTP and count in `debug` only.
    """
    hosts = tuple(host.lower() for host in hosts)
    if _is_public(url, hosts):
        return True
    local = _match(_LOCAL, url)
    return debug and local is not None and ":" in local["place"] and local["place"].lower() in hosts


def is_api_url(url: str, *, debug: bool) -> bool:
    """Return whether `url` may be called with our credentials."""
    if _is_public(url, API_HOSTS):
        return True
    local = _match(_LOCAL, url)
    return debug and local is not None and local["host"].lower() in {"localhost", "127.0.0.1"}


def _is_public(url: str, hosts: Iterable[str]) -> bool:
    match = _match(_PUBLIC, url)
    if match is None:
        return False
    host = match["host"].lower()
    return any(host.endswith(name) if name.startswith(".") else host == name for name in hosts)


def _match(pattern: str, url: str) -> re.Match[str] | None:
    is_usable = len(url) <= MAX_LENGTH and url.isascii()
    return re.fullmatch(pattern, url, re.IGNORECASE) if is_usable else None
