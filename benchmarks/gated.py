"""The same small page behind a login, behind a window, and behind a bound approval."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import face_required


def page(_request: HttpRequest, **_arguments: object) -> HttpResponse:
    """Answer as little as a view can."""
    return HttpResponse("page")


def snapshot(_request: HttpRequest, pk: int) -> dict[str, object]:
    """Return something to approve, without asking the database: that is the site's own cost."""
    return {"payment": pk, "payee": "Anna"}


logged_in = login_required(page)
window = face_required(page)
bound = face_required(action="pay", bind=snapshot)(page)


class Api(APIView):
    """The same as an endpoint."""

    permission_classes = [IsAuthenticated]

    def get(self, _request: Request, **_arguments: object) -> Response:
        """Answer as little as a view can."""
        return Response("page")


class ApiWindow(Api):
    """The endpoint behind a window."""

    permission_classes = [IsAuthenticated, require_face()]


class ApiBound(Api):
    """The endpoint behind a bound approval."""

    permission_classes = [
        IsAuthenticated,
        require_face(
            action="pay", bind=lambda request, view: snapshot(request, int(view.kwargs["pk"]))
        ),
    ]
