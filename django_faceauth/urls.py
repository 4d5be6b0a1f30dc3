"""URLs of the pages: `path("face/", include("django_faceauth.urls"))`."""

from __future__ import annotations

from django.urls import path

from django_faceauth import webhooks
from django_faceauth.views import enrolment, flow, rights, second_ways

app_name = "faceauth"

urlpatterns = [
    # First, since anyone may send anything there, as often as they like.
    path("webhook/", webhooks.webhook, name="webhook"),
    path("webhook", webhooks.webhook),  # the provider does not follow a redirect to the slash
    path("start/<slug:handle>/", flow.start, name="start"),
    path("returned/<slug:handle>/", flow.returned, name="returned"),
    path("done/", flow.done, name="done"),
    path("waiting/<slug:handle>/", flow.waiting, name="waiting"),
    path("status/<slug:handle>/", flow.status, name="status"),
    path("continue/<slug:handle>/", flow.resume, name="continue"),
    path("ways/<slug:handle>/", second_ways.choose, name="second-ways"),
    path("ways/<slug:handle>/<slug:way>/", second_ways.answer, name="second-way"),
    path("contest/<slug:handle>/", rights.contest, name="contest"),
    path("not-me/<slug:handle>/", rights.not_me, name="not-me"),
    path("consent/", rights.consent, name="consent"),
    path("report/<str:token>/", rights.report, name="report"),
    path("enrol/", enrolment.enrol, name="enrol"),
    path("enrol/returned/<slug:handle>/", enrolment.returned, name="enrol-returned"),
    path("enrol/waiting/<slug:handle>/", enrolment.waiting, name="enrol-waiting"),
]
