"""What all templates of the bank know."""

from __future__ import annotations

from django.http import HttpRequest

from bank.demo import enrolment_data
from bank.settings import BRAND, BRANDS, FACEAUTH_ENROLMENT


def brand(_request: HttpRequest) -> dict[str, str]:
    return {
        "brand_name": BRANDS[BRAND],
        "brand_logo": f"bank/{BRAND}.svg",
        "brand_stylesheet": f"bank/{BRAND}.css",
    }


def enrolment(request: HttpRequest) -> dict[str, bool]:
    """Tell whether a user may set up face checks themselves."""
    is_offered = FACEAUTH_ENROLMENT == "offer"
    return {"may_enrol": is_offered and enrolment_data(request.user) is not None}
