"""What sites write, and the types that they get: never run, but read by mypy and Pyright.

A line with `type: ignore` is a wrong use: it stays one, since an ignore that is not needed is
an error itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_type

from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.generic import TemplateView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_faceauth.api.permissions import FaceRequest as ApiRequest
from django_faceauth.api.permissions import FaceRequired, require_face
from django_faceauth.api.permissions import OptionalFaceRequest as OptionalApiRequest
from django_faceauth.exceptions import NotEnrolled, ProviderError, TooManyAttempts
from django_faceauth.gate import (
    Claims,
    Face,
    FaceRequest,
    FaceRequiredMixin,
    Money,
    OptionalFaceRequest,
    Reason,
    approve_by_other_method,
    ask_first,
    claims_of,
    face_required,
    freshness,
    pending_challenge,
    recorded_face,
)
from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.models import Applicant, FaceChallenge
from django_faceauth.provider.client import Client
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AttemptSnapshot, AuthenticationSnapshot
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import exemptions
from django_faceauth.services.privacy import erasure
from django_faceauth.signals import challenge_granted

# -- views keep their types behind a gate


@face_required
def statements(request: FaceRequest) -> JsonResponse:
    assert_type(request.face, Face)
    assert_type(request.face.verified_at, datetime)
    assert_type(request.face.expires_at, datetime)
    assert_type(request.face.action, str)
    assert_type(request.face.challenge, str)
    assert_type(request.face.method, str)
    assert_type(request.face.reason, Reason)
    return JsonResponse({})


assert_type(statements(FaceRequest()), JsonResponse)
statements()  # type: ignore[call-arg]
statements(FaceRequest(), 1)  # type: ignore[call-arg]


def snapshot(request: HttpRequest, pk: int) -> Mapping[str, Any]:
    return {"payee": "Anna", "amount": Money(Decimal(12), "EUR")}


@face_required(
    max_age=timedelta(minutes=3),
    action="payout",
    bind=snapshot,
    methods=["POST"],
    keep=("amount",),
)
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse()


assert_type(pay(HttpRequest(), pk=1), HttpResponse)
pay(HttpRequest(), pk="1")  # type: ignore[arg-type]


@face_required(max_age=180, single_use=True)
async def close(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def calls_an_async_view(request: HttpRequest) -> None:
    assert_type(await close(request), HttpResponse)


def is_large(request: HttpRequest, pk: int) -> bool:
    return pk > 1


async def is_large_async(request: HttpRequest, pk: int) -> bool:
    return pk > 1


@face_required(action="payout", when=is_large, accept=["face", "passkey"], network="deny")
def pay_when_large(request: OptionalFaceRequest, pk: int) -> HttpResponse:
    assert_type(request.face, Face | None)
    claims_of(request.face)  # type: ignore[arg-type]
    return HttpResponse(request.face.challenge if request.face else "")


@face_required(action="payout", when=is_large_async)
async def pay_when_large_async(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse()


assert_type(pay_when_large(OptionalFaceRequest(), pk=1), HttpResponse)
face_required(when=False)  # type: ignore[call-overload]
face_required(when=snapshot)  # type: ignore[arg-type]
face_required(accept=[1])  # type: ignore[list-item]
face_required(network=False)  # type: ignore[call-overload]
face_required(max_age="three minutes")  # type: ignore[call-overload]
face_required(maximum_age=3)  # type: ignore[call-overload]
face_required(statements, max_age=180)  # type: ignore[call-overload]
face_required("statements")  # type: ignore[call-overload]
Money("12.50", "EUR")  # type: ignore[arg-type]


class Documents(FaceRequiredMixin, TemplateView):
    template_name = "documents.html"
    face_max_age = 180
    face_action = "documents"
    face_methods = ("GET", "POST")

    def get_face_binding(self) -> Mapping[str, Any]:
        return {"document": 1}


class Letters(Documents):
    face_accept = ("face", "letter")
    face_network = "deny"

    def face_when(self) -> bool:
        return self.request.method == "POST"


class LettersAsync(Documents):
    async def face_when(self) -> bool:
        return await User.objects.aexists()


class Misspelt(FaceRequiredMixin, TemplateView):
    face_max_age = "three minutes"  # type: ignore[assignment]


# -- what pages ask


def asks(request: HttpRequest, user: User, handle: str) -> HttpResponse | None:
    assert_type(freshness(request), Face | None)
    assert_type(freshness(request, action="payout", max_age=180), Face | None)
    assert_type(freshness(request, accept=["face"], network="deny"), Face | None)
    assert_type(recorded_face(user, handle, action="payout"), Face | None)
    freshness(request, "payout")  # type: ignore[call-arg]
    face = freshness(request)
    until = face.expires_at  # type: ignore[union-attr]
    if face is not None and face.expires_at == until:
        assert_type(claims_of(face, amr=["pwd"]), Claims)
        assert_type(claims_of(face)["auth_time"], int)
    question = pending_challenge(request, handle)
    if question is not None:
        assert_type(question.action, str)
        assert_type(approve_by_other_method(request, handle, method="otp"), str)
    return assert_type(ask_first(request, action="payout"), HttpResponse | None)


# -- the API


class Secret(APIView):
    permission_classes = [IsAuthenticated, require_face(action="secret", max_age=180)]

    def get(self, request: ApiRequest) -> Response:
        assert_type(request.face, Face)
        return Response()


class Attributed(Secret):
    permission_classes = [IsAuthenticated, FaceRequired]
    face_action = "secret"

    def face_when(self) -> bool:
        return self.request.method == "POST"

    def post(self, request: OptionalApiRequest) -> Response:
        assert_type(request.face, Face | None)
        return Response()


class AttributedAsync(Secret):
    permission_classes = [IsAuthenticated, FaceRequired]

    async def face_when(self) -> bool:
        return await User.objects.aexists()


def amount(request: Request, view: APIView) -> Mapping[str, Any]:
    return {"amount": 1}


def matters(request: Request, view: APIView) -> bool:
    return request.method == "POST"


assert_type(require_face(bind=amount), type[FaceRequired])
assert_type(require_face(when=matters, accept=["face"], network="flag"), type[FaceRequired])
require_face(when=amount)  # type: ignore[arg-type]
require_face("secret")  # type: ignore[call-arg]
require_face(keep=["amount"])  # type: ignore[call-arg]


# -- the admin


@face_required_action(action="refund")
def refund(desk: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[FaceChallenge]) -> None:
    """An action of the admin."""


def runs(desk: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[FaceChallenge]) -> None:
    refund(desk, request, rows)


refund(1, 2, 3)  # type: ignore[arg-type]
FaceRequiredAdminSite(name="vault").face_max_age = timedelta(minutes=3)


class Vault(FaceRequiredAdminSite):
    face_accept = ("face",)

    def face_when(self, request: HttpRequest, **arguments: Any) -> bool:
        return request.method == "POST"


class Applicants(FaceRequiredModelAdmin):
    def face_when(
        self, request: HttpRequest, object_id: str | None = None, **arguments: Any
    ) -> bool:
        return object_id is not None


def is_many(desk: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> bool:
    return rows.count() > 1


@face_required_action(action="refund", when=is_many, accept=["face"])
def refund_many(desk: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> None:
    """An action that asks for many rows."""


# -- signals


@receiver(challenge_granted)
def on_granted(sender: type[FaceChallenge], challenge: FaceChallenge, **kwargs: Any) -> None:
    assert_type(challenge.is_declined, bool)


# -- people


def links(user: User, now: datetime) -> None:
    assert_type(applicants.link(user, "aplt_a", check=False), Applicant)
    assert_type(applicants.is_enrolled(user), bool)
    applicants.link("alice", "aplt_a", check=False)  # type: ignore[arg-type]
    exemptions.exempt(
        user, action="", reason="arm in plaster", author=user, expires_at=now, now=now
    )
    erasure.request(user, reason="asked", by=None, now=now)  # type: ignore[arg-type]


# -- the client


def calls(client: Client) -> str | None:
    assert_type(get_client(), Client)
    created = client.create_authentication(applicant_id="aplt_a", user_journey_id="usj_a")
    assert_type(created, AuthenticationSnapshot)
    client.create_authentication("aplt_a", "usj_a")  # type: ignore[call-arg]
    attempt = client.create_attempt(created.id, redirect_url="https://bank.example/")
    assert_type(attempt, AttemptSnapshot)
    assert_type(client.list_attempts(created.id).items, tuple[AttemptSnapshot, ...])
    created.status = "approved"  # type: ignore[misc]
    try:
        client.anonymize_authentication(created.id)
    except ProviderError as error:
        assert_type(error.retryable, bool)
        assert_type(error.status_code, int | None)
        return error.request_id
    except TooManyAttempts as error:
        assert_type(error.seconds(datetime.now(UTC)), int)
    except NotEnrolled:
        return None
    return None
