"""Ours and the references, under one site."""

from __future__ import annotations

from django.urls import include, path

from benchmarks import limit

references = [
    path("store/", limit.store),
    path("send/", limit.store_and_send),
]

urlpatterns = [
    path("face/", include("django_faceauth.urls")),
    path("limit/", include(references)),  # as deep as ours
]
