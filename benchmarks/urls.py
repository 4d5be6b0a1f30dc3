"""Ours and the references, under one site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from benchmarks import gated, limit

references = [
    path("store/", limit.store),
    path("send/", limit.store_and_send),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("face/", include("django_faceauth.urls")),
    path("face/api/", include("django_faceauth.api.urls")),
    path("gated/api/login/", gated.Api.as_view()),
    path("gated/api/window/", gated.ApiWindow.as_view()),
    path("gated/api/bound/<int:pk>/", gated.ApiBound.as_view()),
    path("gated/login/", gated.logged_in),
    path("gated/window/", gated.window),
    path("gated/bound/<int:pk>/", gated.bound),
    path("limit/", include(references)),  # as deep as ours
]
