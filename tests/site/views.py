"""Views of the test site: one of each kind that a gate may stand in front of."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView

from django_faceauth.gate import FaceRequiredMixin, face_required, freshness


def secret(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"secret {request.face.action}|{request.face.expires_at.isoformat()}")


@login_required
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


@face_required
def statements(request: HttpRequest) -> HttpResponse:
    return secret(request)


@face_required()
def called_form(request: HttpRequest) -> HttpResponse:
    return secret(request)


@face_required(action="payout", max_age=180)
def payout(request: HttpRequest) -> HttpResponse:
    return secret(request)


@face_required(action="payout", methods=["POST"])
def payout_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("form") if request.method == "GET" else secret(request)


@face_required(action="reports", methods=["GET"])
def reports(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"reports {request.method}")


@require_POST
@face_required(action="close")
def close_account(request: HttpRequest) -> HttpResponse:
    return secret(request)


@face_required
def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"secret "
        yield b"stream"

    return StreamingHttpResponse(parts())


@face_required
async def asynchronous(request: HttpRequest) -> HttpResponse:
    return secret(request)


@permission_required("auth.change_user", raise_exception=True)
@face_required
def staff_only(request: HttpRequest) -> HttpResponse:
    return secret(request)


@permission_required("auth.change_user", raise_exception=True)
def staff_only_without_gate(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


@login_required
def know(request: HttpRequest) -> HttpResponse:
    face = freshness(request)
    return HttpResponse("not fresh" if face is None else f"fresh until {face.expires_at}")


class Documents(FaceRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


class AsyncDocuments(FaceRequiredMixin, View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


class Late(TemplateView, FaceRequiredMixin):
    """The mixin in the wrong place guards all the same."""

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return secret(request)


class PostOnly(FaceRequiredMixin, View):
    def post(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


@method_decorator(face_required, name="dispatch")
class Decorated(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


@method_decorator(face_required(action=""), name="dispatch")
class AsyncDecorated(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)
