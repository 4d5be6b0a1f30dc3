"""Views of the test site: one of each kind that a gate may stand in front of."""

from __future__ import annotations

from collections.abc import Iterator

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import TemplateView

from django_faceauth.gate import FaceRequiredMixin, Money, face_required, freshness
from tests.site.models import Payment


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


@require_http_methods(["GET", "HEAD", "OPTIONS"])
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


def payment_of(request: HttpRequest, pk: int) -> dict[str, object]:
    """What is approved of a payment, which stays locked until it is made."""
    payment = get_object_or_404(Payment.objects.select_for_update(), pk=pk, user=request.user)
    return {"payee": payment.payee, "amount": Money(payment.amount, "EUR")}


def make_payment(request: HttpRequest, pk: int) -> HttpResponse:
    if "fail" in request.GET:
        raise FAILURES[request.GET["fail"]]
    Payment.objects.filter(pk=pk).update(
        paid=F("paid") + 1,
        note=request.POST.get("note", ""),
        approved_by=request.face.challenge,
    )
    if "late" in request.GET:
        raise RuntimeError("after the work")
    return HttpResponse(f"paid {request.face.method}")


FAILURES = {"error": RuntimeError("no"), "404": Http404("no"), "403": PermissionDenied("no")}


@face_required(action="pay", bind=payment_of, methods=["POST"], keep=["note"])
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("form") if request.method == "GET" else make_payment(request, pk)


@require_POST
@face_required(action="pay", bind=payment_of)
async def pay_async(request: HttpRequest, pk: int) -> HttpResponse:
    return await sync_to_async(make_payment)(request, pk)


class Pay(FaceRequiredMixin, View):
    """The same for a class."""

    face_action = "pay"
    face_keep = ("note",)

    def get_face_binding(self) -> dict[str, object]:
        return payment_of(self.request, self.kwargs["pk"])

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return make_payment(request, pk)


class PayAsync(FaceRequiredMixin, View):
    face_action = "pay"

    def get_face_binding(self) -> dict[str, object]:
        return payment_of(self.request, self.kwargs["pk"])

    async def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return await sync_to_async(make_payment)(request, pk)


@face_required(action="once", single_use=True, methods=["GET", "POST"])
def once(request: HttpRequest) -> HttpResponse:
    return secret(request)


@face_required(action="change", keep=["email", "tag"], methods=["POST"])
def change(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"changed {request.POST.get('email')} {request.POST.getlist('tag')}")


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
