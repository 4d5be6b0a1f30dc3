"""What all endpoints have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.cache import patch_vary_headers
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from django_faceauth.api.credentials import recognise
from django_faceauth.api.errors import as_problem
from django_faceauth.api.parsers import PlainFormParser, PlainJSONParser
from django_faceauth.api.serializers import StatusQuerySerializer
from django_faceauth.api.throttling import READS, ApiThrottle
from django_faceauth.models import database
from django_faceauth.models.authentication import STATUS_LENGTH
from django_faceauth.services.grants import grants


class Pages(PageNumberPagination):
    """Pages of fifty, or of as many as the client likes, up to a hundred."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100


class StatusFilter(BaseFilterBackend):
    """Keeps the rows with the status that the query names."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Filter by `?status=`; there is nothing with a status that nobody knows."""
        query = StatusQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data["status"]
        return queryset.filter(status=wanted) if wanted else queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameter for OpenAPI."""
        return [
            {
                "name": "status",
                "in": "query",
                "required": False,
                "description": "Only those with this status.",
                "schema": {"type": "string", "maxLength": STATUS_LENGTH},
            }
        ]


class ApiView(GenericAPIView[Any]):
    """What all endpoints have in common.

    Nothing runs in one transaction: what the flow remembers before it calls the provider must
    be committed before it.
    """

    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]
    parser_classes = [PlainJSONParser, PlainFormParser]
    throttle_classes = [ApiThrottle]
    throttle_scope = READS
    versioning_class = None
    pagination_class = Pages

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside of the transaction of the request."""
        return database.non_atomic(super().as_view(**initkwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Do what comes before the method, and note by what the user was recognised."""
        super().initial(request, *args, **kwargs)
        recognise(request)

    def get_exception_handler(self) -> Callable[..., Any]:
        """Return the handler that answers with problem details, whatever the site's does."""
        return as_problem

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep every answer out of caches, and out of other users' hands."""
        final = super().finalize_response(request, response, *args, **kwargs)
        grants.carry(request, final)
        final["Cache-Control"] = "no-store, private"
        final["Referrer-Policy"] = "no-referrer"
        patch_vary_headers(final, ["Authorization", "Cookie", "Accept-Language"])
        return final
