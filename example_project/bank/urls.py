"""Addresses of the demo bank."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from bank import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("statements/", views.statements, name="statements"),
    path("payout/", views.payout, name="payout"),
    path("payout/<int:pk>/", views.receipt, name="receipt"),
    path("settings/", views.AccountSettings.as_view(), name="settings"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("face/", include("django_faceauth.urls")),
    path("simulator/", include("django_faceauth.simulator.urls")),
    path("admin/", admin.site.urls),
]
