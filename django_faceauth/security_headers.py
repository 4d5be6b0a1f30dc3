"""Headers of every page of this package."""

from __future__ import annotations

from typing import Final, TypeVar
from urllib.parse import urlsplit

from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.utils.cache import patch_vary_headers

Response = TypeVar("Response", bound=HttpResponseBase)

POLICY: Final = (
    "default-src 'none'; script-src {own}; style-src {own}; img-src {own} data:; font-src {own}; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def sealed(response: Response) -> Response:
    """Keep a page out of caches, frames, referrers and other sites; return it."""
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Frame-Options"] = "DENY"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    # Whole, not frame-ancestors alone: a site's own policy is not added to one that is set.
    stylesheet = urlsplit(static("faceauth/faceauth.css"))  # the storage knows; STATIC_URL may not
    origin = f"{stylesheet.scheme or 'https'}://{stylesheet.netloc}"
    own = f"'self' {origin}" if stylesheet.netloc else "'self'"
    response["Content-Security-Policy"] = POLICY.format(own=own)
    patch_vary_headers(response, ["Cookie"])
    return response
