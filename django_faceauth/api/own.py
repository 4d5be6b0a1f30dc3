"""The endpoints of what the caller has at the provider: to look at, and to have forgotten."""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from django_faceauth.api.base import ApiView, StatusFilter
from django_faceauth.api.errors import unavailable
from django_faceauth.api.permissions import require_face
from django_faceauth.api.serializers import AttemptSerializer, AuthenticationSerializer
from django_faceauth.api.throttling import STARTS
from django_faceauth.exceptions import Conflict, Rejected
from django_faceauth.gate.problem_details import problem
from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.services.flow import finish
from django_faceauth.services.privacy import erasure

logger = logging.getLogger(__name__)

#: The name of the action that an owner shows their face for before it is forgotten (G-12).
ANONYMIZE: Final = "anonymize"
MAY_ANONYMIZE: Final = "faceauth.anonymize_faceauthentication"


class MayAnonymize(BasePermission):
    """Lets staff through who have that permission."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the user has it."""
        return request.user.has_perm(MAY_ANONYMIZE)


class AuthenticationsView(ApiView, ListAPIView[Any]):
    """The face authentications of the caller, the newest first."""

    serializer_class = AuthenticationSerializer
    filterset_fields = {"created_at": ["gte", "lt"]}  # of django-filter, if the site uses it

    @property
    def filter_backends(self) -> Any:  # type: ignore[override]  # read when it is asked for
        """Filter by status, and by what the site filters all its lists by."""
        return [StatusFilter, *api_settings.DEFAULT_FILTER_BACKENDS]

    def get_queryset(self) -> QuerySet[FaceAuthentication]:
        """Return those that the provider knows."""
        return _own_authentications(self.request).order_by("-created_at", "-pk")


class AuthenticationView(ApiView, RetrieveAPIView[Any]):
    """One face authentication of the caller."""

    serializer_class = AuthenticationSerializer
    lookup_field = "provider_id"

    def get_queryset(self) -> QuerySet[FaceAuthentication]:
        """Return those of the caller."""
        return _own_authentications(self.request)


class AttemptsView(ApiView, ListAPIView[Any]):
    """The attempts of one face authentication of the caller, the newest first."""

    serializer_class = AttemptSerializer
    filter_backends: Any = [StatusFilter]

    def get_queryset(self) -> QuerySet[FaceAttempt]:
        """Return them; an authentication that is not the caller's does not exist."""
        return _own_attempts(self)


class AttemptView(ApiView, RetrieveAPIView[Any]):
    """One attempt of a face authentication of the caller."""

    serializer_class = AttemptSerializer
    lookup_field = "provider_id"

    def get_queryset(self) -> QuerySet[FaceAttempt]:
        """Return the attempts of the authentication, if it is the caller's."""
        return _own_attempts(self)


class AnonymizeView(ApiView):
    """Has the provider forget a face: for its owner, who shows it, and for staff who may."""

    serializer_class = AuthenticationSerializer
    permission_classes = [IsAuthenticated, MayAnonymize | require_face(action=ANONYMIZE)]
    throttle_scope = STARTS
    lookup_field = "provider_id"

    def get_queryset(self) -> QuerySet[FaceAuthentication]:
        """Return those of the caller, and all for staff who may."""
        if self.request.user.has_perm(MAY_ANONYMIZE):
            return FaceAuthentication.objects.filter(provider_id__isnull=False)
        return _own_authentications(self.request)

    def post(self, request: Request, provider_id: str) -> HttpResponseBase:
        """Remove the personal data at the provider; cannot be undone."""
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


def _own_authentications(request: Request) -> QuerySet[FaceAuthentication]:
    return FaceAuthentication.objects.filter(
        user_id=cast(int | str, request.user.pk),  # who is anonymous does not get here
        provider_id__isnull=False,
    )


def _own_attempts(view: GenericAPIView[Any]) -> QuerySet[FaceAttempt]:
    own = _own_authentications(view.request)
    return get_object_or_404(own, provider_id=view.kwargs["authentication"]).attempts.all()
