"""Describe operations for drf-spectacular, where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from inspect import isclass
from typing import Any, Final, Literal, TypeVar

from rest_framework import serializers

from django_faceauth.gate.problem_details import MEDIA_TYPE

Target = TypeVar("Target", bound=Callable[..., Any])
Location = Literal["header", "path", "query"]

#: Codes of the problems of every operation, by status.
ERRORS: Final[Mapping[int, str]] = {
    401: "`not_authenticated`, `authentication_failed`, or a code of the site’s authenticators",
    403: "`permission_denied`, `not_authenticated`, `authentication_failed`",
    404: "`not_found`",
    406: "`not_acceptable`",
    429: "`throttled`",
}


class FaceProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField(help_text="For users, in the language of the request.")
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = serializers.CharField()
    errors = serializers.JSONField(  # type: ignore[assignment]  # a member may be called so
        required=False, help_text="By field, with `invalid`."
    )
    scope = serializers.CharField(required=False, help_text="With `too_many_attempts`.")
    until = serializers.DateTimeField(required=False, help_text="With `too_many_attempts`.")
    consent_version = serializers.CharField(required=False, help_text="With `consent_required`.")
    consent_text = serializers.CharField(required=False, help_text="With `consent_required`.")
    challenge = serializers.CharField(required=False, help_text="With `fallback_url`.")
    fallback_url = serializers.URLField(
        required=False, allow_null=True, help_text="With `not_enrolled`."
    )
    ways = serializers.ListField(child=serializers.CharField(), required=False)
    enrol_url = serializers.URLField(required=False, help_text="With `not_enrolled`.")
    cool_off = serializers.IntegerField(required=False, help_text="Seconds, with `enrol_url`.")
    usable_from = serializers.DateTimeField(required=False, help_text="With `not_enrolled`.")


def describe(
    operation_id: str,
    summary: str,
    responses: Mapping[int, Any],
    *,
    errors: Mapping[int, str] = {},
    parameters: Mapping[str, Location] = {},
    etag: Sequence[int] = (),
    retry_after: Sequence[int] = (),
    **more: Any,
) -> Callable[[Target], Target]:
    """Describe the method of a view, or GET of a view class, as `extend_schema` does.

    `errors` are the codes of its further problems by status, `parameters` the locations of
    parameters by name, `etag` and `retry_after` the statuses of responses with these headers.
    """
    if find_spec("drf_spectacular") is None:
        return lambda view: view
    # drf-spectacular is optional.
    from drf_spectacular.utils import (
        OpenApiParameter,
        OpenApiResponse,
        extend_schema,
        extend_schema_view,
    )

    problems = {}
    for status in sorted({*ERRORS, *errors}):
        codes = [by_status[status] for by_status in (errors, ERRORS) if status in by_status]
        problems[status, MEDIA_TYPE] = OpenApiResponse(FaceProblemSerializer, ", ".join(codes))
    slug: dict[str, Any] = {"required": True, "pattern": "^[-a-zA-Z0-9_]+$"}
    described = [
        OpenApiParameter(name, str, location, **(slug if location == "path" else {}))
        for name, location in parameters.items()
    ]
    described += [
        OpenApiParameter("WWW-Authenticate", str, "header", response=[401]),
        OpenApiParameter("Retry-After", int, "header", response=[429, *retry_after]),
    ]
    if etag:
        described.append(OpenApiParameter("ETag", str, "header", response=etag))
    extended = extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=["Face check"],
        parameters=described,
        responses={**responses, **problems},
        **more,
    )

    def decorate(view: Target) -> Target:
        return extend_schema_view(get=extended)(view) if isclass(view) else extended(view)

    return decorate


def choice_field(name: str, values: Sequence[str]) -> partial[serializers.ChoiceField]:
    """Return a field class with a component of its own: the enums of a site keep their names."""
    field = type(name, (serializers.ChoiceField,), {})
    if find_spec("drf_spectacular") is not None:
        # drf-spectacular is optional.
        from drf_spectacular.utils import extend_schema_field

        extend_schema_field({"type": "string", "enum": [*values]}, component_name=name)(field)
    return partial(field, choices=values)
