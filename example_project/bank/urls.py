"""URLs of the demo bank."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.i18n import set_language

from bank import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("statements/", views.statements, name="statements"),
    path("payout/", views.payout, name="payout"),
    path("payout/<int:pk>/", views.payout_detail, name="payout_detail"),
    path("payout/<int:pk>/edit/", views.payout_edit, name="payout_edit"),
    path("payout/<int:pk>/delete/", views.payout_delete, name="payout_delete"),
    path("payout/<int:pk>/send/", views.payout_send, name="payout_send"),
    path("app/", views.app, name="app"),
    path("settings/", views.AccountSettings.as_view(), name="settings"),
    path("settings/passkey/", views.AddPasskey.as_view(), name="passkey"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="set_language"),
    path("api/", include("bank.api")),
    path("face/", include("django_faceauth.urls")),
    path("face/api/", include("django_faceauth.api.urls")),
    path("simulator/", include("django_faceauth.simulator.urls")),
    path("admin/", admin.site.urls),
]
