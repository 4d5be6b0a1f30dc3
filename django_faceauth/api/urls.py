"""Addresses of the API: `path("face/api/", include("django_faceauth.api.urls"))`."""

from __future__ import annotations

from django.urls import path

from django_faceauth.api import describe, own, views

describe()

app_name = "faceauth-api"

urlpatterns = [
    path("challenges/<slug:handle>/", views.ChallengeView.as_view(), name="challenge"),
    path(
        "challenges/<slug:handle>/attempts/",
        views.ChallengeAttemptsView.as_view(),
        name="challenge-attempts",
    ),
    path("authentications/", own.AuthenticationsView.as_view(), name="authentications"),
    path(
        "authentications/<slug:provider_id>/",
        own.AuthenticationView.as_view(),
        name="authentication",
    ),
    path(
        "authentications/<slug:authentication>/attempts/",
        own.AttemptsView.as_view(),
        name="attempts",
    ),
    path(
        "authentications/<slug:authentication>/attempts/<slug:provider_id>/",
        own.AttemptView.as_view(),
        name="attempt",
    ),
    path(
        "authentications/<slug:provider_id>/anonymize/",
        own.AnonymizeView.as_view(),
        name="anonymize",
    ),
    path("consent/", views.ConsentView.as_view(), name="consent"),
    path("freshness/", views.FreshnessView.as_view(), name="freshness"),
]
