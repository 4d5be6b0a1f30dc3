"""Base classes of the endpoints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import ParseError
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import BaseParser, FormParser, JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from django_faceauth.api.credentials import recognise
from django_faceauth.api.exceptions import as_problem
from django_faceauth.api.serializers import StatusQuerySerializer
from django_faceauth.models import database
from django_faceauth.models.resource import STATUS_LENGTH
from django_faceauth.services.grants import face_cookie

logger = logging.getLogger(__name__)

#: Scopes of the throttle.
READS: Final = "faceauth"
STARTS: Final = "faceauth-attempts"

#: Rates of scopes that DEFAULT_THROTTLE_RATES does not name. Polling takes 30 a minute.
RATES: Final[Mapping[str, str]] = {READS: "120/min", STARTS: "20/min"}

#: In OpenAPI 3.0, and in 3.1, which has no `nullable`.
URL_OR_NULL: Final = {"oneOf": [{"type": "string", "format": "uri"}, {"enum": [None]}]}


class PlainParser(BaseParser):
    """Parses UTF-8 (RFC 8259), not nested more deeply than Python can follow."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # Not the charset of the request: some that Python knows decompress.
        context = {**(parser_context or {}), "encoding": "utf-8"}
        try:
            return super().parse(stream, media_type, context)
        except RecursionError:
            raise ParseError from None


class PlainJSONParser(PlainParser, JSONParser):
    """Parses JSON."""


class PlainFormParser(PlainParser, FormParser):
    """Parses URL-encoded forms."""


class ApiThrottle(ScopedRateThrottle):
    """Counts the requests of each user, over all clients."""

    def get_rate(self) -> Any:
        scope = str(self.scope)
        return api_settings.DEFAULT_THROTTLE_RATES.get(scope, RATES[scope])

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request, unless the cache is down: limits on attempts are in the database."""
        try:
            return bool(super().allow_request(request, view))
        except (ImproperlyConfigured, KeyError, ValueError):  # of the rate
            raise
        except Exception as error:  # each cache fails in its own way
            logger.error("not throttled, cache is down: %s", type(error).__name__)
            return True


class Pages(PageNumberPagination):
    """Pages of fifty rows, or of `page_size`, at most a hundred."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["properties"] |= {"next": URL_OR_NULL, "previous": URL_OR_NULL}
        return page


class StatusFilter(BaseFilterBackend):
    """Keeps the rows with the status that the query names."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Filter by `?status=`; an unknown status has no rows."""
        query = StatusQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data["status"]
        return queryset.filter(status=wanted) if wanted else queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
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
    """The base of all endpoints.

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
        return database.non_atomic(super().as_view(**initkwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the request as usual, and note which credential authenticates it."""
        super().initial(request, *args, **kwargs)
        recognise(request)

    def get_exception_handler(self) -> Callable[..., Any]:
        """Return the handler that answers with problem details, instead of the site's."""
        return as_problem

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep every answer out of caches."""
        final = super().finalize_response(request, response, *args, **kwargs)
        face_cookie.carry(request, final)
        final["Cache-Control"] = "no-store, private"
        final["Referrer-Policy"] = "no-referrer"
        patch_vary_headers(final, ["Authorization", "Cookie", "Accept-Language"])
        return final
