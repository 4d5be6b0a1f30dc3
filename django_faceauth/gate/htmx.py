"""What htmx asks for, and how it is sent on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers


def is_htmx(request: HttpRequest) -> bool:
    """Tell whether htmx sends a request."""
    return request.headers.get("HX-Request") == "true"


def is_fragment(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a part of a page; what it boosts are whole ones."""
    return is_htmx(request) and "HX-Boosted" not in request.headers


def page_of(request: HttpRequest) -> str:
    """Return the address, as htmx tells it, of the page that the browser shows."""
    return request.headers.get("HX-Current-URL", "")


def send_on(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser on; htmx follows redirects itself, and swaps in what it finds there."""
    response = HttpResponse(headers={"HX-Redirect": url}) if is_htmx(request) else redirect(url)
    patch_vary_headers(response, ["HX-Request"])
    response["Cache-Control"] = "no-store, private"
    return response
