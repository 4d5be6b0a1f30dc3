"""Recognise and redirect requests of htmx."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers


def is_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sends the request."""
    return request.headers.get("HX-Request") == "true"


def is_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks for a part of a page; boosted links ask for whole pages."""
    return is_htmx(request) and "HX-Boosted" not in request.headers


def send_on(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the browser; htmx would swap in the target of an ordinary redirect."""
    response = HttpResponse(headers={"HX-Redirect": url}) if is_htmx(request) else redirect(url)
    patch_vary_headers(response, ["HX-Request"])
    response["Cache-Control"] = "no-store, private"
    return response
