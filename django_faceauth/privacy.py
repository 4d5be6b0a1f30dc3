"""Consent, export and erasure of users' face data, for sites."""

from __future__ import annotations

from django_faceauth.services.privacy.consent import current_text as consent_text
from django_faceauth.services.privacy.consent import give as give_consent
from django_faceauth.services.privacy.consent import is_needed as is_consent_needed
from django_faceauth.services.privacy.consent import latest as latest_consent
from django_faceauth.services.privacy.consent import withdraw as withdraw_consent
from django_faceauth.services.privacy.erasure import request as erase
from django_faceauth.services.privacy.exports import export

__all__ = [
    "consent_text",
    "erase",
    "export",
    "give_consent",
    "is_consent_needed",
    "latest_consent",
    "withdraw_consent",
]
