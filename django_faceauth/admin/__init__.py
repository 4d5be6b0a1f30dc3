"""Admin pages for review, operation and audit.

Registered with the site's default admin, except for models that the site has its own admin
for. Sites with another `AdminSite` call `register(site)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model

from django_faceauth import models
from django_faceauth.admin import authentications, readonly, review, users

__all__ = ["register"]

MODEL_ADMINS: Final[Mapping[type[Model], type[admin.ModelAdmin[Any]]]] = {
    models.FaceAuthentication: authentications.FaceAuthenticationAdmin,
    models.ReviewCase: review.ReviewCaseAdmin,
    models.Verdict: readonly.VerdictAdmin,
    models.FaceChallenge: readonly.FaceChallengeAdmin,
    models.WebhookEvent: readonly.WebhookEventAdmin,
    models.Applicant: users.ApplicantAdmin,
    models.IdentityVerification: users.IdentityVerificationAdmin,
    models.FaceExemption: users.FaceExemptionAdmin,
    models.Lockout: users.LockoutAdmin,
    models.AttemptRequest: readonly.AttemptRequestAdmin,
    models.Consent: readonly.ConsentAdmin,
    models.Erasure: readonly.ErasureAdmin,
    models.AuditEntry: readonly.AuditEntryAdmin,
    models.ProviderRateLimit: readonly.ProviderRateLimitAdmin,
}


def register(site: admin.AdminSite) -> None:
    """Register our admins with a site, except for models that it has already."""
    for model, model_admin in MODEL_ADMINS.items():
        if not site.is_registered(model):
            site.register(model, model_admin)


register(admin.site)
