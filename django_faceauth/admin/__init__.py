"""Admin pages for review, operation and audit.

Registered with the site's default admin, except for models that the site has its own admin
for. Sites with another `AdminSite` call `register(site)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model

from django_faceauth.admin import authentications, readonly, review, users
from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    AuditEntry,
    Consent,
    Erasure,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    IdentityVerification,
    Lockout,
    ProviderRateLimit,
    ReviewCase,
    Verdict,
    WebhookEvent,
)

__all__ = ["register"]

MODEL_ADMINS: Final[Mapping[type[Model], type[admin.ModelAdmin[Any]]]] = {
    FaceAuthentication: authentications.FaceAuthenticationAdmin,
    ReviewCase: review.ReviewCaseAdmin,
    Verdict: readonly.VerdictAdmin,
    FaceChallenge: readonly.FaceChallengeAdmin,
    WebhookEvent: readonly.WebhookEventAdmin,
    Applicant: users.ApplicantAdmin,
    IdentityVerification: users.IdentityVerificationAdmin,
    FaceExemption: users.FaceExemptionAdmin,
    Lockout: users.LockoutAdmin,
    AttemptRequest: readonly.AttemptRequestAdmin,
    Consent: readonly.ConsentAdmin,
    Erasure: readonly.ErasureAdmin,
    AuditEntry: readonly.AuditEntryAdmin,
    ProviderRateLimit: readonly.ProviderRateLimitAdmin,
}


def register(site: admin.AdminSite) -> None:
    """Register our admins with a site, except for models that it has already."""
    for model, model_admin in MODEL_ADMINS.items():
        if not site.is_registered(model):
            site.register(model, model_admin)


register(admin.site)
