"""Admin pages for review, operation and audit.

Registered with the site's default admin, except for models that the site has its own admin
for. Sites with another `AdminSite` call `register(site)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from django_faceauth import models
from django_faceauth.admin import audit, authentications, dashboard, readonly, review, users
from django_faceauth.models.authentication import Dashboard

__all__ = ["register"]

#: In the order of the index: what staff need every day, then internals.
MODEL_ADMINS: Final[Mapping[type[Model], type[admin.ModelAdmin[Any]]]] = {
    models.ReviewCase: review.ReviewCaseAdmin,
    Dashboard: dashboard.DashboardAdmin,
    models.FaceAuthentication: authentications.FaceAuthenticationAdmin,
    models.Applicant: users.ApplicantAdmin,
    models.AuditEntry: audit.AuditEntryAdmin,
    models.FaceChallenge: readonly.FaceChallengeAdmin,
    models.Verdict: review.VerdictAdmin,
    models.FaceExemption: users.FaceExemptionAdmin,
    models.Lockout: users.LockoutAdmin,
    models.AttemptRequest: readonly.AttemptRequestAdmin,
    models.IdentityVerification: users.IdentityVerificationAdmin,
    models.Consent: readonly.ConsentAdmin,
    models.Erasure: readonly.ErasureAdmin,
    models.WebhookEvent: readonly.WebhookEventAdmin,
    models.ProviderRateLimit: readonly.ProviderRateLimitAdmin,
}

#: What the index calls lists that are more than the plural of their rows.
INDEX_NAMES: Final = {
    "ReviewCase": _("Review queue"),
    "Applicant": _("Users’ enrolment"),
    "AuditEntry": _("Audit log"),
}


def register(site: admin.AdminSite) -> None:
    """Register our admins with a site, except for models that it has already.

    Django sorts the index by name, and has no other hook for the order than the site's own
    method, which still decides what is listed; so it is replaced on this site.
    """
    for model, model_admin in MODEL_ADMINS.items():
        if not site.is_registered(model):
            site.register(model, model_admin)
    get_app_list = site.get_app_list
    places = {model._meta.object_name: place for place, model in enumerate(MODEL_ADMINS)}

    def in_order(*args: Any, **kwargs: Any) -> Any:
        apps = get_app_list(*args, **kwargs)
        for app in apps:
            if app["app_label"] == "faceauth":
                app["models"].sort(key=lambda entry: places.get(entry["object_name"], len(places)))
                for entry in app["models"]:
                    entry["name"] = INDEX_NAMES.get(entry["object_name"], entry["name"])
        return apps

    site.get_app_list = in_order  # type: ignore[method-assign]


register(admin.site)
