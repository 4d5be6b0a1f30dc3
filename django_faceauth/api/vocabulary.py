"""The words in which our endpoints are described for OpenAPI: problems, headers, parameters."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers

from django_faceauth.api.serializers import AttemptSerializer, AuthenticationSerializer
from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.gate.problem_details import MEDIA_TYPE

TAG: Final = "Face check"

JSON: Final = "application/json"
SLUG: Final = "^[-a-zA-Z0-9_]+$"


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a request was not answered: problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField(help_text="The same for people, in their language.")
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = serializers.CharField(help_text="One of a closed set of words.")
    errors = serializers.JSONField(  # type: ignore[assignment]  # a member may be called so
        required=False, help_text="With `invalid`: what is wrong, by field."
    )
    scope = serializers.CharField(
        required=False, help_text="With `too_many_attempts`: whose limit was reached."
    )
    until = serializers.DateTimeField(
        required=False, help_text="With `too_many_attempts`: when the next one may start."
    )
    consent_version = serializers.CharField(
        required=False, help_text="With `consent_required`: what to send as `consent`."
    )
    consent_text = serializers.CharField(
        required=False, help_text="With `consent_required`: what the user is to agree to."
    )
    challenge = serializers.CharField(required=False, help_text="With `fallback_url`: its handle.")
    fallback_url = serializers.URLField(
        required=False, help_text="With `not_enrolled`: the site’s other way."
    )


class FaceRequiredSerializer(serializers.Serializer[Any]):
    """A face is needed: show it, and send the request again (RFC 9470)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=401, max_value=401)
    detail = serializers.CharField()
    code = serializers.RegexField("^face_required$")
    action = serializers.CharField(allow_blank=True, help_text="What the face is for.")
    max_age = serializers.IntegerField(min_value=1, help_text="Seconds that a face counts here.")
    challenge = serializers.CharField(
        help_text=f"The handle: send it along as {CHALLENGE_HEADER} when the face was shown."
    )
    start_url = serializers.URLField(allow_null=True, help_text="For a browser of the user.")
    status_url = serializers.URLField(
        allow_null=True, help_text="GET says what to do next; ask every two seconds."
    )
    attempts_url = serializers.URLField(
        allow_null=True, help_text="POST starts an attempt, and returns where to show the face."
    )


@extend_schema_serializer(many=False)  # it holds a list, and is none
class PageSerializer(serializers.Serializer[Any]):
    """One page of a list."""

    count = serializers.IntegerField(help_text="Of all pages together.")
    next = serializers.URLField(allow_null=True, help_text="The next page.")
    previous = serializers.URLField(allow_null=True, help_text="The page before.")


class AuthenticationPageSerializer(PageSerializer):
    """One page of the caller’s face authentications."""

    results = AuthenticationSerializer(many=True)


class AttemptPageSerializer(PageSerializer):
    """One page of the attempts of a face authentication."""

    results = AttemptSerializer(many=True)


Answers = dict[tuple[int, str], OpenApiResponse]


def problem(status: int, description: str, *examples: tuple[str, str], **more: Any) -> Answers:
    """Describe an answer; `examples` are codes and titles, `more` what they have besides."""
    shown = [
        OpenApiExample(
            code, {"type": "about:blank", "title": title, "status": status, "code": code, **more}
        )
        for code, title in examples
    ]
    return {(status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description, shown)}


NOBODY: Final = problem(
    401,
    "Nobody is recognised: `not_authenticated`, `authentication_failed`, or a word of the "
    "site’s own authenticators.",
    ("not_authenticated", "Authentication credentials were not provided."),
)
NOT_ALLOWED: Final = problem(
    403,
    "`permission_denied`; `not_authenticated` and `authentication_failed` too, where the site’s "
    "first authenticator has no challenge of its own.",
    ("permission_denied", "You do not have permission to perform this action."),
)
NOT_THERE: Final = problem(
    404, "`not_found`: there is no such thing, for this caller.", ("not_found", "Not Found")
)
NOT_JSON: Final = problem(
    406,
    "`not_acceptable`: the caller wants something else than JSON.",
    ("not_acceptable", "Could not satisfy the request Accept header."),
)
TOO_OFTEN: Final = problem(
    429,
    "`throttled`: ask again after `Retry-After`.",
    ("throttled", "Request was throttled. Expected available in 12 seconds."),
)
UNREAD: Final = problem(
    400, "`parse_error`: what was sent cannot be read.", ("parse_error", "Malformed request.")
)
UNREADABLE: Final = problem(
    415,
    "`unsupported_media_type`: neither JSON nor a form.",
    ("unsupported_media_type", 'Unsupported media type "text/xml" in request.'),
)
DOWN: Final = problem(
    503,
    "`unavailable`: the provider gave no usable answer. Nothing has changed.",
    ("unavailable", "The face check does not answer at the moment. Please try again."),
)
REPLACED: Final = problem(
    409,
    "`cookie_replaced`: another request was given a new cookie while this one was on its way. "
    "Ask again after `Retry-After`, with the new cookie.",
    ("cookie_replaced", "This has changed."),
)
READ: Final = {**NOBODY, **NOT_ALLOWED, **NOT_THERE, **NOT_JSON, **TOO_OFTEN}


def invalid(name: str, words: str) -> Answers:
    """Describe a 400 whose `errors` say something about the field `name`."""
    return problem(
        400,
        "`invalid`, with `errors`. What cannot be read at all: `parse_error`.",
        ("invalid", "Bad Request"),
        errors={name: [words]},
    )


def either(*kinds: Answers) -> Answers:
    """Describe one status that several kinds of problems have."""
    (key,) = {key for kind in kinds for key in kind}
    told = [answer for kind in kinds for answer in kind.values()]
    description = " ".join(str(answer.description) for answer in told)
    examples = [example for answer in told for example in answer.examples]
    return {key: OpenApiResponse(ProblemSerializer, description, examples)}


def _sent(name: str, description: str, statuses: list[int], type_: Any = str) -> OpenApiParameter:
    """Describe a header of answers."""
    return OpenApiParameter(
        name, type_, OpenApiParameter.HEADER, description=description, response=statuses
    )


def etag(*statuses: int) -> OpenApiParameter:
    """Describe the `ETag` of answers with these statuses."""
    return _sent("ETag", "Of what is said of the challenge.", [*statuses])


def retry_after(*statuses: int) -> OpenApiParameter:
    """Describe the `Retry-After` of answers with these statuses."""
    return _sent("Retry-After", "Seconds until there may be news.", [*statuses], int)


SCHEME: Final = _sent("WWW-Authenticate", "What the site’s first authenticator asks for.", [401])

IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The `ETag` that was seen last."
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="An `ETag`: answer only this state."
)
ACTION: Final = OpenApiParameter(
    "action",
    {"type": "string", "maxLength": 100},
    description="The action of the gate; none is the action that gates share which name none.",
    allow_blank=True,
)
LONG_STATUS: Final = invalid("status", "Ensure this field has no more than 64 characters.")


def _part(name: str, description: str) -> OpenApiParameter:
    """Describe a part of the path."""
    return OpenApiParameter(
        name, str, OpenApiParameter.PATH, required=True, description=description, pattern=SLUG
    )


OF_CHALLENGE: Final = _part("handle", "The handle of the challenge.")
OF_AUTHENTICATION: Final = _part("provider_id", "The `id` of the face authentication.")
WHOSE_ATTEMPTS: Final = _part("authentication", "The `id` of the face authentication.")
OF_ATTEMPT: Final = _part("provider_id", "The `id` of the attempt.")


def operation(
    operation_id: str,
    summary: str,
    description: str,
    answers: Answers,
    *parameters: OpenApiParameter,
    **more: Any,
) -> Any:
    """Describe one method of one view, as `extend_schema` does."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description,
        tags=[TAG],
        parameters=[*parameters, SCHEME],
        responses=dict(sorted(answers.items(), key=lambda answer: answer[0][0])),
        **more,
    )


def done(status: int, serializer: Any, description: str, example: Any) -> Answers:
    """Describe the answer to what was done as asked."""
    shown = [OpenApiExample("made up", example)]
    return {(status, JSON): OpenApiResponse(serializer, description, shown)}


def page(example: Any) -> dict[str, Any]:
    """Return an example of a list with one entry."""
    return {"count": 1, "next": None, "previous": None, "results": [example]}
