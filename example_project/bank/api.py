"""API of the bank: payouts and tokens."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import include, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import BaseSerializer, ModelSerializer
from rest_framework.viewsets import GenericViewSet
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from bank import transfers
from bank.models import Payout, PayoutQuerySet
from django_faceauth.api.permissions import require_face
from django_faceauth.gate import Face


class Conflict(APIException):
    """The payout cannot be sent."""

    status_code = HTTPStatus.CONFLICT


class CustomerRequest(Request):
    """A request of a logged-in customer, for the type checker."""

    user: User
    face: Face | None


class PayoutSerializer(ModelSerializer):
    class Meta:
        model = Payout
        fields = ["id", "payee", "amount", "state", "executed_at", "reference"]
        read_only_fields = ["state", "executed_at", "reference"]


def payout_details(_request: HttpRequest, view: Any) -> dict[str, Any]:
    """Return what is shown and approved: the draft, locked until it is sent."""
    return transfers.facts_of(_draft_of(view))


def needs_approval(_request: HttpRequest, view: Any) -> bool:
    """Return whether a draft needs an approval; it is locked until it is sent."""
    user, now = view.request.user, timezone.now()
    return transfers.locked_needs_approval(user, view.kwargs["pk"], now=now)


class Payouts(CreateModelMixin, ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """The payouts of a customer: created with a login, sent with a face."""

    request: CustomerRequest
    serializer_class = PayoutSerializer
    permission_classes = [IsAuthenticated]
    lookup_value_converter = "int"

    def get_queryset(self) -> PayoutQuerySet:
        return Payout.objects.of(self.request.user)

    def perform_create(self, serializer: BaseSerializer) -> None:
        serializer.save(user=self.request.user)

    @action(
        detail=True,
        methods=["post"],
        permission_classes=[
            IsAuthenticated,
            require_face(
                action="payout",
                when=needs_approval,
                bind=payout_details,
                network="deny",
                max_age=180,
            ),
        ],
    )
    def send(self, request: CustomerRequest, pk: int) -> Response:
        """Send a draft, and consume its approval if it needs one."""
        try:
            payout = transfers.execute(request.user, pk, request.face, now=timezone.now())
        except transfers.NotEnoughMoney:
            raise Conflict(_("Your balance is too low. Nothing was sent.")) from None
        return Response(self.get_serializer(payout).data)


def _draft_of(view: Any) -> Payout:
    try:
        return transfers.locked(view.request.user, view.kwargs["pk"])
    except transfers.AlreadySent:
        raise Conflict(_("This payment was already sent. It was not sent again.")) from None


router = SimpleRouter(use_regex_path=False)
router.register("payouts", Payouts, basename="api-payout")

urlpatterns = [
    path("token/", TokenObtainPairView.as_view(), name="api-token"),
    path("token/refresh/", TokenRefreshView.as_view(), name="api-token-refresh"),
    path("", include(router.urls)),
]
