"""What our endpoints take and answer, for OpenAPI: by status, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers

from django_faceauth.api.serializers import (
    AttemptSerializer,
    AuthenticationSerializer,
    CaptureSerializer,
    ChallengeSerializer,
    ConsentSerializer,
    FreshnessSerializer,
)
from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.gate.problems import MEDIA_TYPE

TAG: Final = "Face check"

JSON: Final = "application/json"
SLUG: Final = "^[-a-zA-Z0-9_]+$"

#: Made up, as everything in the examples.
HANDLE: Final = "made-up-handle-3nB6tQ0cXvYw8Zr1LkHs5JdPf2A"
AUTHENTICATION: Final = "fav_madeup0000000000000000001"
ATTEMPT: Final = "fatp_madeup000000000000000001"
SITE: Final = "https://bank.example"
MOMENT: Final = "2026-03-01T12:00:00Z"
LATER: Final = "2026-03-01T12:03:00Z"

ADDRESSES: Final = {
    "start_url": f"{SITE}/face/start/{HANDLE}/",
    "status_url": f"{SITE}/face/api/challenges/{HANDLE}/",
    "attempts_url": f"{SITE}/face/api/challenges/{HANDLE}/attempts/",
}


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


def _problem(status: int, description: str, *examples: tuple[str, str], **more: Any) -> Answers:
    """Describe an answer; `examples` are codes and titles, `more` what they have besides."""
    shown = [
        OpenApiExample(
            code, {"type": "about:blank", "title": title, "status": status, "code": code, **more}
        )
        for code, title in examples
    ]
    return {(status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description, shown)}


NOBODY: Final = _problem(
    401,
    "Nobody is recognised: `not_authenticated`, `authentication_failed`, or a word of the "
    "site’s own authenticators.",
    ("not_authenticated", "Authentication credentials were not provided."),
)
NOT_ALLOWED: Final = _problem(
    403,
    "`permission_denied`; `not_authenticated` and `authentication_failed` too, where the site’s "
    "first authenticator has no challenge of its own.",
    ("permission_denied", "You do not have permission to perform this action."),
)
NOT_THERE: Final = _problem(
    404, "`not_found`: there is no such thing, for this caller.", ("not_found", "Not Found")
)
NOT_JSON: Final = _problem(
    406,
    "`not_acceptable`: the caller wants something else than JSON.",
    ("not_acceptable", "Could not satisfy the request Accept header."),
)
TOO_OFTEN: Final = _problem(
    429,
    "`throttled`: ask again after `Retry-After`.",
    ("throttled", "Request was throttled. Expected available in 12 seconds."),
)
UNREAD: Final = _problem(
    400, "`parse_error`: what was sent cannot be read.", ("parse_error", "Malformed request.")
)
UNREADABLE: Final = _problem(
    415,
    "`unsupported_media_type`: neither JSON nor a form.",
    ("unsupported_media_type", 'Unsupported media type "text/xml" in request.'),
)
DOWN: Final = _problem(
    503,
    "`unavailable`: the provider gave no usable answer. Nothing has changed.",
    ("unavailable", "The face check does not answer at the moment. Please try again."),
)
READ: Final = {**NOBODY, **NOT_ALLOWED, **NOT_THERE, **NOT_JSON, **TOO_OFTEN}


def _invalid(name: str, words: str) -> Answers:
    return _problem(
        400,
        "`invalid`, with `errors`. What cannot be read at all: `parse_error`.",
        ("invalid", "Bad Request"),
        errors={name: [words]},
    )


def _either(*kinds: Answers) -> Answers:
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


def _etag(*statuses: int) -> OpenApiParameter:
    return _sent("ETag", "Of what is said of the challenge.", [*statuses])


def _retry_after(*statuses: int) -> OpenApiParameter:
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
LONG_STATUS: Final = _invalid("status", "Ensure this field has no more than 64 characters.")


def _part(name: str, description: str) -> OpenApiParameter:
    """Describe a part of the path."""
    return OpenApiParameter(
        name, str, OpenApiParameter.PATH, required=True, description=description, pattern=SLUG
    )


OF_CHALLENGE: Final = _part("handle", "The handle of the challenge.")
OF_AUTHENTICATION: Final = _part("provider_id", "The `id` of the face authentication.")
WHOSE_ATTEMPTS: Final = _part("authentication", "The `id` of the face authentication.")
OF_ATTEMPT: Final = _part("provider_id", "The `id` of the attempt.")


def _operation(
    operation_id: str,
    summary: str,
    description: str,
    answers: Answers,
    *parameters: OpenApiParameter,
    **more: Any,
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description,
        tags=[TAG],
        parameters=[*parameters, SCHEME],
        responses=dict(sorted(answers.items(), key=lambda answer: answer[0][0])),
        **more,
    )


def _done(status: int, serializer: Any, description: str, example: Any) -> Answers:
    shown = [OpenApiExample("made up", example)]
    return {(status, JSON): OpenApiResponse(serializer, description, shown)}


def _page(example: Any) -> dict[str, Any]:
    return {"count": 1, "next": None, "previous": None, "results": [example]}


CHALLENGE: Final = {
    "challenge": HANDLE,
    "state": "open",
    "next": "wait",
    "can_reopen": True,
    "message": "Your faces are being compared.",
    "action": "payout",
    "max_age": 180,
    "snapshot": {"payee": "Jane Roe", "amount": {"amount": "9.50", "currency": "EUR"}},
    "lines": [
        {"label": "Payee", "values": ["Jane Roe"]},
        {"label": "Amount", "values": ["9.50 EUR"]},
    ],
    "verified_at": None,
    "expires_at": None,
    "start_url": ADDRESSES["start_url"],
    "attempts_url": ADDRESSES["attempts_url"],
    "fallback_url": None,
}
CAPTURED: Final = {
    "capture_url": "https://capture.example/made-up-link",
    "expires_at": "2026-03-01T12:15:00Z",
}
CONSENT_TEXT: Final = "What: our partner compares a video of your face with an earlier one."
CONSENT: Final = {
    "needed": False,
    "version": "2026-11",
    "text": CONSENT_TEXT,
    "given_version": "2026-11",
    "given_at": MOMENT,
    "withdrawn_at": None,
}
ONE_AUTHENTICATION: Final = {
    "id": AUTHENTICATION,
    "status": "approved",
    "created_at": MOMENT,
    "updated_at": LATER,
    "erased_at": None,
}
ONE_ATTEMPT: Final = {"id": ATTEMPT, "status": "completed", "created_at": MOMENT}

#: By the names of our views: what each method does.
OPERATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ChallengeView": {
        "get": _operation(
            "face_challenges_retrieve",
            "Where a challenge stands",
            "Says where one challenge of this client stands, and what to do `next`. Asks the "
            "provider when it is time to. Ask again after `Retry-After`, with `If-None-Match`.",
            {
                **_done(200, ChallengeSerializer, "How it stands.", CHALLENGE),
                (304, JSON): OpenApiResponse(None, "As the client has seen it."),
                **READ,
                **_problem(
                    412,
                    "`precondition_failed`: another state than that of `If-Match`.",
                    ("precondition_failed", "This has changed."),
                ),
            },
            OF_CHALLENGE,
            IF_NONE_MATCH,
            IF_MATCH,
            _etag(200, 304),
            _retry_after(200, 304, 429),
        )
    },
    "ChallengeAttemptsView": {
        "post": _operation(
            "face_challenges_attempts_create",
            "Start an attempt, or another",
            "Returns where the user shows their face. An attempt whose link can still be opened "
            "is handed out again.",
            {
                **_done(201, CaptureSerializer, "For the user’s browser alone.", CAPTURED),
                **READ,
                **_either(
                    _invalid("redirect_url", "This address is not on the list of this site."),
                    _problem(
                        400,
                        "`consent_required`: show `consent_text`, and send `consent_version` as "
                        "`consent` if the user agrees.",
                        ("consent_required", "The face check needs the consent of its user."),
                        consent_version="2026-11",
                        consent_text=CONSENT_TEXT,
                    ),
                ),
                **_problem(
                    403,
                    "`not_enrolled`: the provider does not know the user. Else as everywhere: "
                    "`permission_denied`, `not_authenticated`, `authentication_failed`.",
                    ("not_enrolled", "Your account cannot use this at the moment."),
                ),
                **_problem(
                    409,
                    "There is nothing to start. `under_way`: another request is at it, ask after "
                    "`Retry-After`. Else the state of the challenge, which has ended: `granted`, "
                    "`consumed`, `revoked`, `refused`, `failed`, `expired`.",
                    ("under_way", "A face check is under way already."),
                    ("expired", "Too much time has passed. Please start again."),
                ),
                **UNREADABLE,
                **_problem(
                    429,
                    "`throttled`, or `too_many_attempts` with `scope` (`user`, `session`, `site`, "
                    "`lockout`, `reported`) and `until`.",
                    ("too_many_attempts", "There were several face checks in a short time."),
                    scope="user",
                    until=LATER,
                ),
                **DOWN,
            },
            OF_CHALLENGE,
            _retry_after(409, 429, 503),
        )
    },
    "AuthenticationsView": {
        "get": _operation(
            "face_authentications_list",
            "The caller’s face authentications",
            "Lists them, the newest first.",
            {
                **_done(200, AuthenticationPageSerializer, "A page.", _page(ONE_AUTHENTICATION)),
                **READ,
                **LONG_STATUS,
            },
            _retry_after(429),
        )
    },
    "AuthenticationView": {
        "get": _operation(
            "face_authentications_retrieve",
            "One of them",
            "Says how one face authentication of the caller stands.",
            {
                **_done(200, AuthenticationSerializer, "How it stands.", ONE_AUTHENTICATION),
                **READ,
            },
            OF_AUTHENTICATION,
            _retry_after(429),
        )
    },
    "AttemptsView": {
        "get": _operation(
            "face_authentications_attempts_list",
            "Its attempts",
            "Lists the attempts of one face authentication of the caller, the newest first.",
            {
                **_done(200, AttemptPageSerializer, "A page.", _page(ONE_ATTEMPT)),
                **READ,
                **LONG_STATUS,
            },
            WHOSE_ATTEMPTS,
            _retry_after(429),
        )
    },
    "AttemptView": {
        "get": _operation(
            "face_authentications_attempts_retrieve",
            "One attempt",
            "Says how one attempt stands.",
            {**_done(200, AttemptSerializer, "How it stands.", ONE_ATTEMPT), **READ},
            WHOSE_ATTEMPTS,
            OF_ATTEMPT,
            _retry_after(429),
        )
    },
    "AnonymizeView": {
        "post": _operation(
            "face_authentications_anonymize",
            "Have the provider forget a face",
            "Removes the personal data at the provider, for good. Its owner shows their face for "
            "it; staff with the permission need not.",
            {
                **_done(
                    200,
                    AuthenticationSerializer,
                    "It is forgotten.",
                    {**ONE_AUTHENTICATION, "erased_at": LATER},
                ),
                **READ,
                **UNREAD,
                **_problem(
                    403,
                    "`not_enrolled`, `inactive`, `impersonated`: no face would help. Else as "
                    "everywhere: `permission_denied`, `not_authenticated`, "
                    "`authentication_failed`.",
                    ("not_enrolled", "Your account cannot use this at the moment."),
                ),
                **_problem(
                    409,
                    "`not_finished`: a face check is under way. `used`, `changed`: what the named "
                    "challenge was for.",
                    ("not_finished", "This face check has not been finished."),
                ),
                **UNREADABLE,
                **DOWN,
            },
            OF_AUTHENTICATION,
            _retry_after(429, 503),
            request=None,
        )
    },
    "ConsentView": {
        "get": _operation(
            "face_consent_retrieve",
            "Whether the caller has agreed",
            "Says whether and when the caller has agreed to face checks, and to what a start asks "
            "them to agree today.",
            {**_done(200, ConsentSerializer, "How it stands.", CONSENT), **READ},
            _retry_after(429),
        ),
        "delete": _operation(
            "face_consent_destroy",
            "Withdraw it",
            "Takes back whatever the caller has agreed to. Ends their face checks and what those "
            "have opened, and has the provider forget what it holds, which cannot be undone.",
            {
                (204, JSON): OpenApiResponse(None, "There is no consent any more."),
                **READ,
                **_problem(
                    403,
                    "`impersonated`: only the user does this. Else as everywhere: "
                    "`permission_denied`, `not_authenticated`, `authentication_failed`.",
                    ("impersonated", "This needs the person themselves"),
                ),
            },
            _retry_after(429),
        ),
    },
    "FreshnessView": {
        "get": _operation(
            "face_freshness_retrieve",
            "Whether a gate would open",
            "Says whether this client would get through a gate, and until when. Uses nothing up.",
            {
                **_done(
                    200,
                    FreshnessSerializer,
                    "How it stands.",
                    {"fresh": True, "expires_at": LATER, "action": "payout"},
                ),
                **READ,
                **_invalid("action", "Ensure this field has no more than 100 characters."),
            },
            ACTION,
            _retry_after(429),
        )
    },
}
