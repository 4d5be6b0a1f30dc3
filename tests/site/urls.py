"""Addresses of the test site."""

from __future__ import annotations

from functools import partial

from django.apps import apps
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

from tests.site import fallback, views
from tests.site.admin import closed, office, vault

urlpatterns = [
    path("home/", views.home),
    path("statements/", views.statements),
    path("called/", views.called_form),
    path("partial/", partial(views.statements)),
    path("payout/", views.payout),
    path("payout/form/", views.payout_form),
    path("reports/", views.reports),
    path("close/", views.close_account),
    path("stream/", views.streamed),
    path("async/", views.asynchronous),
    path("staff/", views.staff_only),
    path("staff-without-gate/", views.staff_only_without_gate),
    path("know/", views.know),
    path("expiry/", TemplateView.as_view(template_name="expiry.html")),
    path("documents/", views.Documents.as_view()),
    path("documents/settings/", views.Documents.as_view(face_action="settings")),
    path("documents/async/", views.AsyncDocuments.as_view()),
    path("late/", views.Late.as_view(template_name="none.html")),
    path("post-only/", views.PostOnly.as_view()),
    path("decorated/", views.Decorated.as_view()),
    path("decorated/async/", views.AsyncDecorated.as_view()),
    path("wrapped/async/", views.face_required(views.AsyncDocuments.as_view())),
    path("pay/<int:pk>/", views.pay),
    path("pay/<int:pk>/async/", views.pay_async),
    path("pay/<int:pk>/class/", views.Pay.as_view()),
    path("pay/<int:pk>/class/async/", views.PayAsync.as_view()),
    path("once/", views.once),
    path("change/", views.change),
    path("admin/", admin.site.urls),
    path("vault/", vault.urls),
    path("closed/", closed.urls),
    path("office/", office.urls),
    path("by-code/", fallback.by_code, name="by-code"),
    path("face/", include("django_faceauth.urls")),
    path("simulator/", include("django_faceauth.simulator.urls")),
]

if apps.is_installed("rest_framework"):
    urlpatterns += [
        path("face/api/", include("django_faceauth.api.urls")),
        path("shop/", include("tests.site.api")),
    ]
