"""The API of the test site: one of each kind of endpoint that a gate may stand in front of."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import include, path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet
from rest_framework_simplejwt.authentication import JWTAuthentication

from django_faceauth.api.permissions import FaceRequired, require_face
from django_faceauth.gate import Money
from tests.site.models import Payment


def told(request: Request) -> Response:
    """Say what the view finds."""
    return Response({"secret": request.face.action, "challenge": request.face.challenge})


class Secret(APIView):
    """Something behind a window, for every method and every kind of credential."""

    authentication_classes = [SessionAuthentication, TokenAuthentication, JWTAuthentication]
    permission_classes = [IsAuthenticated, require_face(action="secret", max_age=180)]

    def get(self, request: Request) -> Response:
        return told(request)

    post = put = patch = delete = get


class ForStaff(Secret):
    """The gate comes first, and tells nothing to who would be turned away behind it."""

    permission_classes = [require_face(action="secret"), IsAdminUser]


class ForStaffOrFace(Secret):
    permission_classes = [IsAuthenticated, require_face(action="secret") | IsAdminUser]


class Attributed(Secret):
    """What is asked for stands in the attributes of the view."""

    permission_classes = [IsAuthenticated & FaceRequired]
    face_action = "attributed"
    face_max_age = 180
    face_methods = ["POST"]
    http_method_names = ["get", "post"]

    def get(self, request: Request) -> Response:
        return Response("open")


@api_view(["GET", "POST"])
@permission_classes([IsAuthenticated, require_face(action="secret")])
def function(request: Request) -> Response:
    return told(request)


class IsOwner(BasePermission):
    """Lets people at what is theirs."""

    def has_object_permission(self, request: Request, view: Any, obj: Payment) -> bool:
        return obj.user_id == request.user.pk


class PaymentSerializer(ModelSerializer[Payment]):
    class Meta:
        model = Payment
        fields = ["id", "payee", "amount", "paid"]


def what_is_paid(request: HttpRequest, view: ModelViewSet[Payment]) -> dict[str, Any]:
    payment = view.get_object()
    return {"payee": payment.payee, "amount": Money(payment.amount, "EUR")}


class Payments(ModelViewSet[Payment]):
    """Payments, each of its owner: read with a login, removed and paid with a face."""

    serializer_class = PaymentSerializer
    permission_classes = [IsAuthenticated, IsOwner]
    authentication_classes = Secret.authentication_classes

    def get_queryset(self) -> QuerySet[Payment]:
        return Payment.objects.select_for_update() if self.action == "pay" else Payment.objects

    def get_permissions(self) -> list[BasePermission]:
        extra = [require_face(action="remove")()] if self.action == "destroy" else []
        return [*super().get_permissions(), *extra]

    @action(
        detail=True,
        methods=["post"],
        permission_classes=[
            IsAuthenticated,
            IsOwner,
            require_face(action="pay", bind=what_is_paid),
        ],
    )
    def pay(self, request: Request, pk: str) -> Response:
        Payment.objects.filter(pk=pk).update(paid=F("paid") + 1, approved_by=request.face.challenge)
        if "fail" in request.query_params:
            raise RuntimeError("after the work")
        return told(request)


@extend_schema(tags=["described"], summary="Described as a class")
class Described(Secret):
    """A class of which the site has said something, and of one method more."""

    http_method_names = ["get", "post"]
    permission_classes = [IsAuthenticated, require_face(action="described", methods=["POST"])]

    @extend_schema(request=None, responses=str)
    def get(self, request: Request) -> Response:
        return Response("open")

    @extend_schema(
        request=None, responses={200: str, 401: OpenApiResponse(str, "Nobody is logged in.")}
    )
    def post(self, request: Request) -> Response:
        return told(request)


@extend_schema(summary="Described as a function", request=None, responses=str)
@api_view(["POST"])
@permission_classes([IsAuthenticated & (IsAdminUser | require_face(action="secret"))])
def described(request: Request) -> Response:
    return told(request)


class Open(APIView):
    """No face is asked for."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=str)
    def get(self, request: Request) -> Response:
        return Response("open")


class DescribedPayments(Payments):
    """The same payments, with a word of the site on the action, and one more."""

    @extend_schema(summary="Pay it", request=None, responses=str)
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[require_face(action="pay", bind=what_is_paid)],
    )
    def pay(self, request: Request, pk: str) -> Response:
        return told(request)

    @extend_schema(exclude=True)
    @action(detail=True, permission_classes=[require_face()])
    def hidden(self, request: Request, pk: str) -> Response:
        return told(request)


router = SimpleRouter()
router.register("payments", Payments, basename="payment")
router.register("described/payments", DescribedPayments, basename="described-payment")

urlpatterns = [
    path("secret/", Secret.as_view()),
    path("staff/", ForStaff.as_view()),
    path("staff-or-face/", ForStaffOrFace.as_view()),
    path("attributed/", Attributed.as_view()),
    path("function/", function),
    path("described/class/", Described.as_view()),
    path("described/function/", described),
    path("open/", Open.as_view()),
    path("opened/", Open.as_view(permission_classes=[require_face(action="opened")])),
    path("", include(router.urls)),
]
