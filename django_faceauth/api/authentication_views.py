"""Endpoints for the face authentications of the caller."""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from django_faceauth.api.base import STARTS, ApiView, StatusFilter
from django_faceauth.api.exceptions import unavailable
from django_faceauth.api.permissions import require_face
from django_faceauth.api.schema import describe
from django_faceauth.api.serializers import FaceAttemptSerializer, FaceAuthenticationSerializer
from django_faceauth.exceptions import Conflict, Rejected
from django_faceauth.gate.problem_details import problem
from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.services.flow import finish
from django_faceauth.services.privacy import erasure

logger = logging.getLogger(__name__)

MAY_ANONYMIZE: Final = "faceauth.anonymize_faceauthentication"


class MayAnonymize(BasePermission):
    """Allows staff with the permission."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm(MAY_ANONYMIZE)


def own_authentications(request: Request) -> QuerySet[FaceAuthentication]:
    """Return the caller's authentications that the provider knows, the newest first."""
    user_id = cast(int | str, request.user.pk)  # anonymous users do not get here
    own = FaceAuthentication.objects.filter(user_id=user_id, provider_id__isnull=False)
    return own.order_by("-created_at", "-pk")


class OwnAuthentications(ApiView):
    """The base of endpoints for face authentications of the caller."""

    serializer_class = FaceAuthenticationSerializer
    lookup_field = "provider_id"

    def get_queryset(self) -> QuerySet[FaceAuthentication]:
        return own_authentications(self.request)


class OwnAttempts(ApiView):
    """The base of endpoints for attempts of one face authentication of the caller."""

    serializer_class = FaceAttemptSerializer
    lookup_field = "provider_id"

    def get_queryset(self) -> QuerySet[FaceAttempt]:
        """Return the attempts; an authentication that is not the caller's does not exist."""
        own = own_authentications(self.request)
        return get_object_or_404(own, provider_id=self.kwargs["authentication"]).attempts.all()


@describe(
    "face_authentications_list",
    "List face authentications",
    {200: FaceAuthenticationSerializer(many=True)},
    errors={400: "`invalid`"},
)
class AuthenticationsView(OwnAuthentications, ListAPIView[Any]):
    """The face authentications of the caller, the newest first."""

    filterset_fields = {"created_at": ["gte", "lt"]}  # of django-filter, if the site uses it

    @property
    def filter_backends(self) -> Any:  # type: ignore[override]  # read late
        """Filter by status, and with the default filters of the site."""
        return [StatusFilter, *api_settings.DEFAULT_FILTER_BACKENDS]


@describe(
    "face_authentications_retrieve",
    "Retrieve a face authentication",
    {200: FaceAuthenticationSerializer},
    parameters={"provider_id": "path"},
)
class AuthenticationView(OwnAuthentications, RetrieveAPIView[Any]):
    """One face authentication of the caller."""


@describe(
    "face_authentications_attempts_list",
    "List attempts",
    {200: FaceAttemptSerializer(many=True)},
    errors={400: "`invalid`"},
    parameters={"authentication": "path"},
)
class AttemptsView(OwnAttempts, ListAPIView[Any]):
    """The attempts of one face authentication of the caller, the newest first."""

    filter_backends: Any = [StatusFilter]


@describe(
    "face_authentications_attempts_retrieve",
    "Retrieve an attempt",
    {200: FaceAttemptSerializer},
    parameters={"authentication": "path", "provider_id": "path"},
)
class AttemptView(OwnAttempts, RetrieveAPIView[Any]):
    """One attempt of a face authentication of the caller."""


class AnonymizeView(OwnAuthentications):
    """Anonymizes a face authentication, for its owner after a face check and for staff."""

    permission_classes = [IsAuthenticated, MayAnonymize | require_face(action="anonymize")]
    throttle_scope = STARTS

    def get_queryset(self) -> QuerySet[FaceAuthentication]:
        """Return the authentications of the caller, or all for staff with the permission."""
        if self.request.user.has_perm(MAY_ANONYMIZE):
            return FaceAuthentication.objects.filter(provider_id__isnull=False)
        return super().get_queryset()

    @describe(
        "face_authentications_anonymize",
        "Anonymize a face authentication",
        {200: FaceAuthenticationSerializer},
        errors={
            400: "`parse_error`",
            403: "`not_enrolled`, `inactive`, `impersonated`",
            409: "`not_finished`, `used`, `changed`",
            415: "`unsupported_media_type`",
            503: "`unavailable`",
        },
        parameters={"provider_id": "path"},
        retry_after=[503],
        request=None,
    )
    def post(self, request: Request, provider_id: str) -> HttpResponseBase:
        """Remove the personal data at the provider, which cannot be undone."""
        authentication = self.get_object()
        try:
            erasure.anonymize(authentication, now=timezone.now())
        except (Conflict, Rejected):
            return problem(409, "not_finished", _("This face check has not been finished."))
        except finish.TROUBLES as error:
            logger.error("anonymize failed: %s authentication=%s", error, authentication.pk)
            return unavailable(error)
        authentication.refresh_from_db()
        return Response(self.get_serializer(authentication).data)
