"""URLs of the measured site: the package and the references."""

from __future__ import annotations

import hashlib
import hmac
import json

from celery import Celery
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import face_required

# In memory, so that sending costs both sides the same and needs no broker.
celery = Celery("benchmarks", broker="memory://", set_as_current=True)
celery.conf.task_ignore_result = True


@celery.task
def do_nothing(event_id: str) -> None:
    """Take the place of a site's own task."""


def page(_request: HttpRequest, **_arguments: object) -> HttpResponse:
    """Answer as little as a view can."""
    return HttpResponse("page")


def snapshot(_request: HttpRequest, pk: int) -> dict[str, object]:
    """Return the payment without asking the database: that is the site's own cost."""
    return {"payment": pk, "payee": "Anna"}


class Endpoint(APIView):
    """The page as an API endpoint."""

    permission_classes = [IsAuthenticated]

    def get(self, _request: Request, **_arguments: object) -> Response:
        """Answer as little as an endpoint can."""
        return Response("page")


class Delivery(models.Model):
    """The least that a site could keep of an event; the run creates its table."""

    event_id = models.CharField(max_length=100, unique=True)
    provider_id = models.CharField(max_length=100)
    received_at = models.DateTimeField()

    class Meta:
        app_label = "benchmarks"

    def __str__(self) -> str:
        return self.event_id


@csrf_exempt
def limit(request: HttpRequest, *, sends: bool) -> HttpResponse:
    """Do the least that a webhook view must: one signature, JSON, one insert."""
    key = settings.FACEAUTH_WEBHOOK_SECRET_KEYS[0].encode()
    expected = hmac.new(key, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("Cko-Signature", "")):
        return HttpResponse("refused", status=401)
    event = json.loads(request.body)
    row = Delivery(
        event_id=event["id"],
        provider_id=event["data"]["face_authentication_id"],
        received_at=timezone.now(),
    )
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    if sends:
        do_nothing.apply_async((event["id"],))
    return HttpResponse("ok")


window = require_face()
bound = require_face(
    action="pay", bind=lambda request, view: snapshot(request, int(view.kwargs["pk"]))
)
# As deep as the URLs of the package.
references = [
    path("store/", limit, {"sends": False}),
    path("send/", limit, {"sends": True}),
]
urlpatterns = [
    path("admin/", admin.site.urls),
    path("face/", include("django_faceauth.urls")),
    path("face/api/", include("django_faceauth.api.urls")),
    path("page/login/", login_required(page)),
    path("page/window/", face_required(page)),
    path("page/bound/<int:pk>/", face_required(action="pay", bind=snapshot)(page)),
    path("api/login/", Endpoint.as_view()),
    path("api/window/", Endpoint.as_view(permission_classes=[IsAuthenticated, window])),
    path("api/bound/<int:pk>/", Endpoint.as_view(permission_classes=[IsAuthenticated, bound])),
    path("limit/", include(references)),
]
