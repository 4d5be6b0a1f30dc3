"""Addresses of the pages: `path("face/", include("django_faceauth.urls"))`."""

from __future__ import annotations

from django.urls import path

from django_faceauth import views

app_name = "faceauth"

urlpatterns = [
    path("start/<str:handle>/", views.start, name="start"),
    path("returned/<str:handle>/", views.returned, name="returned"),
    path("waiting/<str:handle>/", views.waiting, name="waiting"),
    path("status/<str:handle>/", views.status, name="status"),
]
