"""Brand of the bank for templates."""

from __future__ import annotations

from django.http import HttpRequest

from bank.settings import BRAND, BRANDS


def brand(_request: HttpRequest) -> dict[str, str]:
    """Name, logo and stylesheet of the bank; the files are static files."""
    return {
        "brand_name": BRANDS[BRAND],
        "brand_logo": f"bank/{BRAND}.svg",
        "brand_stylesheet": f"bank/{BRAND}.css",
    }
