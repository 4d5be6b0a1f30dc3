"""URLs of the API."""

from __future__ import annotations

from django.urls import path

from django_faceauth.api.authentication_views import (
    AnonymizeView,
    AttemptsView,
    AttemptView,
    AuthenticationsView,
    AuthenticationView,
)
from django_faceauth.api.challenge_views import (
    ChallengeAttemptsView,
    ChallengeView,
    ChallengeWaysView,
    ConsentView,
    FreshnessView,
)

app_name = "faceauth-api"

urlpatterns = [
    path("challenges/<slug:handle>/", ChallengeView.as_view(), name="challenge"),
    path(
        "challenges/<slug:handle>/attempts/",
        ChallengeAttemptsView.as_view(),
        name="challenge-attempts",
    ),
    path("challenges/<slug:handle>/ways/", ChallengeWaysView.as_view(), name="challenge-ways"),
    path("authentications/", AuthenticationsView.as_view(), name="authentications"),
    path(
        "authentications/<slug:provider_id>/", AuthenticationView.as_view(), name="authentication"
    ),
    path(
        "authentications/<slug:authentication>/attempts/", AttemptsView.as_view(), name="attempts"
    ),
    path(
        "authentications/<slug:authentication>/attempts/<slug:provider_id>/",
        AttemptView.as_view(),
        name="attempt",
    ),
    path(
        "authentications/<slug:provider_id>/anonymize/", AnonymizeView.as_view(), name="anonymize"
    ),
    path("consent/", ConsentView.as_view(), name="consent"),
    path("freshness/", FreshnessView.as_view(), name="freshness"),
]
