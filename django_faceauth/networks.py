"""Networks, and the browsers in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django_faceauth.conf import conf
from django_faceauth.secret import digests

if TYPE_CHECKING:
    from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: As much of an IP address as names a network: that of a household or a small company.
NETWORK_BITS: Final[Mapping[int, int]] = {4: 24, 6: 48}

#: Tokens of the User-Agent header, and whose they are. Browsers also send those of browsers
#: further down, which they are built on or want to be treated as.
BROWSERS: Final = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("OPT/", "Opera")),
    *(("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox")),
    *(("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari")),
)


def parse(text: str) -> Address | None:
    """Return an IP address; one of IPv4 that is written as one of IPv6 becomes what it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def address_of(request: HttpRequest) -> Address | None:
    """Return the IP address that a request came from, as the outermost proxy of the site saw it."""
    proxies = conf.TRUSTED_PROXIES
    if not proxies:
        return parse(request.META.get("REMOTE_ADDR", ""))
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    return parse(hops[-proxies].strip()) if len(hops) >= proxies else None


def digests_of(address: Address | None) -> list[str]:
    """Return the keyed digest of the network of an address, empty for an unknown one.

    Those from before `SECRET_KEY` was rotated follow.
    """
    if address is None:
        return [""]
    network = ipaddress.ip_network((address, NETWORK_BITS[address.version]), strict=False)
    return [digest[:32] for digest in digests("django_faceauth.network", str(network))]


def origin_of(request: HttpRequest) -> dict[str, str]:
    """Return the network and the browser family of a request, by the columns of a challenge."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for token, name in BROWSERS if token in agent), "")
    return {"network": digests_of(address_of(request))[0], "browser": browser}
