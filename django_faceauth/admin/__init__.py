"""The review desk: our pages of Django's admin.

Registered with the site's default admin, but for models that the site has an admin of its own
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
    Lockout,
    ProviderRateLimit,
    ReviewCase,
    Verdict,
    WebhookEvent,
)

__all__ = ["register"]

DESKS: Final[Mapping[type[Model], type[admin.ModelAdmin[Any]]]] = {
    FaceAuthentication: authentications.AuthenticationDesk,
    ReviewCase: review.QueueDesk,
    Verdict: readonly.VerdictDesk,
    FaceChallenge: readonly.ChallengeDesk,
    WebhookEvent: readonly.EventDesk,
    Applicant: users.ApplicantDesk,
    FaceExemption: users.ExemptionDesk,
    Lockout: users.LockoutDesk,
    AttemptRequest: readonly.RequestDesk,
    Consent: readonly.ConsentDesk,
    Erasure: readonly.ErasureDesk,
    AuditEntry: readonly.AuditDesk,
    ProviderRateLimit: readonly.BudgetDesk,
}


def register(site: admin.AdminSite) -> None:
    """Put our pages into an admin, but for models that are there already."""
    for model, desk in DESKS.items():
        if not site.is_registered(model):
            site.register(model, desk)


register(admin.site)
