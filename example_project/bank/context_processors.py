"""What all templates of the bank know."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def brand(_request: HttpRequest) -> dict[str, str]:
    """Name, logo and stylesheet of the bank; the files are static files."""
    return {
        "brand_name": settings.BRANDS[settings.BRAND],
        "brand_logo": f"bank/{settings.BRAND}.svg",
        "brand_stylesheet": f"bank/{settings.BRAND}.css",
    }
