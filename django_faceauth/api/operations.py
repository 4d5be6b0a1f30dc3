"""What our endpoints take and answer, for OpenAPI: by status, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiResponse

from django_faceauth.api.examples import (
    CAPTURED,
    CHALLENGE,
    CONSENT,
    CONSENT_TEXT,
    LATER,
    ONE_ATTEMPT,
    ONE_AUTHENTICATION,
)
from django_faceauth.api.serializers import (
    AttemptSerializer,
    AuthenticationSerializer,
    CaptureSerializer,
    ChallengeSerializer,
    ConsentSerializer,
    FreshnessSerializer,
)
from django_faceauth.api.vocabulary import (
    ACTION,
    DOWN,
    IF_MATCH,
    IF_NONE_MATCH,
    JSON,
    LONG_STATUS,
    OF_ATTEMPT,
    OF_AUTHENTICATION,
    OF_CHALLENGE,
    READ,
    REPLACED,
    UNREAD,
    UNREADABLE,
    WHOSE_ATTEMPTS,
    AttemptPageSerializer,
    AuthenticationPageSerializer,
    done,
    either,
    etag,
    invalid,
    operation,
    page,
    problem,
    retry_after,
)

#: By the names of our views: what each method does.
OPERATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ChallengeView": {
        "get": operation(
            "face_challenges_retrieve",
            "Where a challenge stands",
            "Says where one challenge of this client stands, and what to do `next`. Asks the "
            "provider when it is time to. Ask again after `Retry-After`, with `If-None-Match`.",
            {
                **done(200, ChallengeSerializer, "How it stands.", CHALLENGE),
                (304, JSON): OpenApiResponse(None, "As the client has seen it."),
                **READ,
                **REPLACED,
                **problem(
                    412,
                    "`precondition_failed`: another state than that of `If-Match`.",
                    ("precondition_failed", "This has changed."),
                ),
            },
            OF_CHALLENGE,
            IF_NONE_MATCH,
            IF_MATCH,
            etag(200, 304),
            retry_after(200, 304, 409, 429),
        )
    },
    "ChallengeAttemptsView": {
        "post": operation(
            "face_challenges_attempts_create",
            "Start an attempt, or another",
            "Returns where the user shows their face. An attempt whose link can still be opened "
            "is handed out again.",
            {
                **done(201, CaptureSerializer, "For the user’s browser alone.", CAPTURED),
                **READ,
                **either(
                    invalid("redirect_url", "This address is not on the list of this site."),
                    problem(
                        400,
                        "`consent_required`: show `consent_text`, and send `consent_version` as "
                        "`consent` if the user agrees.",
                        ("consent_required", "The face check needs the consent of its user."),
                        consent_version="2026-11",
                        consent_text=CONSENT_TEXT,
                    ),
                ),
                **problem(
                    403,
                    "`not_enrolled`: the provider does not know the user. Else as everywhere: "
                    "`permission_denied`, `not_authenticated`, `authentication_failed`.",
                    ("not_enrolled", "Your account cannot use this at the moment."),
                ),
                **problem(
                    409,
                    "There is nothing to start. `under_way`: another request is at it, ask after "
                    "`Retry-After`; `cookie_replaced` as for the challenge. Else the state of the "
                    "challenge, which has ended: `granted`, "
                    "`consumed`, `revoked`, `refused`, `failed`, `expired`.",
                    ("under_way", "A face check is under way already."),
                    ("expired", "Too much time has passed. Please start again."),
                ),
                **UNREADABLE,
                **problem(
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
            retry_after(409, 429, 503),
        )
    },
    "AuthenticationsView": {
        "get": operation(
            "face_authentications_list",
            "The caller’s face authentications",
            "Lists them, the newest first.",
            {
                **done(200, AuthenticationPageSerializer, "A page.", page(ONE_AUTHENTICATION)),
                **READ,
                **LONG_STATUS,
            },
            retry_after(429),
        )
    },
    "AuthenticationView": {
        "get": operation(
            "face_authentications_retrieve",
            "One of them",
            "Says how one face authentication of the caller stands.",
            {
                **done(200, AuthenticationSerializer, "How it stands.", ONE_AUTHENTICATION),
                **READ,
            },
            OF_AUTHENTICATION,
            retry_after(429),
        )
    },
    "AttemptsView": {
        "get": operation(
            "face_authentications_attempts_list",
            "Its attempts",
            "Lists the attempts of one face authentication of the caller, the newest first.",
            {
                **done(200, AttemptPageSerializer, "A page.", page(ONE_ATTEMPT)),
                **READ,
                **LONG_STATUS,
            },
            WHOSE_ATTEMPTS,
            retry_after(429),
        )
    },
    "AttemptView": {
        "get": operation(
            "face_authentications_attempts_retrieve",
            "One attempt",
            "Says how one attempt stands.",
            {**done(200, AttemptSerializer, "How it stands.", ONE_ATTEMPT), **READ},
            WHOSE_ATTEMPTS,
            OF_ATTEMPT,
            retry_after(429),
        )
    },
    "AnonymizeView": {
        "post": operation(
            "face_authentications_anonymize",
            "Have the provider forget a face",
            "Removes the personal data at the provider, for good. Its owner shows their face for "
            "it; staff with the permission need not.",
            {
                **done(
                    200,
                    AuthenticationSerializer,
                    "It is forgotten.",
                    {**ONE_AUTHENTICATION, "erased_at": LATER},
                ),
                **READ,
                **UNREAD,
                **problem(
                    403,
                    "`not_enrolled`, `inactive`, `impersonated`: no face would help. Else as "
                    "everywhere: `permission_denied`, `not_authenticated`, "
                    "`authentication_failed`.",
                    ("not_enrolled", "Your account cannot use this at the moment."),
                ),
                **problem(
                    409,
                    "`not_finished`: a face check is under way. `used`, `changed`: what the named "
                    "challenge was for.",
                    ("not_finished", "This face check has not been finished."),
                ),
                **UNREADABLE,
                **DOWN,
            },
            OF_AUTHENTICATION,
            retry_after(429, 503),
            request=None,
        )
    },
    "ConsentView": {
        "get": operation(
            "face_consent_retrieve",
            "Whether the caller has agreed",
            "Says whether and when the caller has agreed to face checks, and to what a start asks "
            "them to agree today.",
            {**done(200, ConsentSerializer, "How it stands.", CONSENT), **READ},
            retry_after(429),
        ),
        "delete": operation(
            "face_consent_destroy",
            "Withdraw it",
            "Takes back whatever the caller has agreed to. Ends their face checks and what those "
            "have opened, and has the provider forget what it holds, which cannot be undone.",
            {
                (204, JSON): OpenApiResponse(None, "There is no consent any more."),
                **READ,
                **problem(
                    403,
                    "`impersonated`: only the user does this. Else as everywhere: "
                    "`permission_denied`, `not_authenticated`, `authentication_failed`.",
                    ("impersonated", "This needs the person themselves"),
                ),
            },
            retry_after(429),
        ),
    },
    "FreshnessView": {
        "get": operation(
            "face_freshness_retrieve",
            "Whether a gate would open",
            "Says whether this client would get through a gate, and until when. Uses nothing up.",
            {
                **done(
                    200,
                    FreshnessSerializer,
                    "How it stands.",
                    {"fresh": True, "expires_at": LATER, "action": "payout"},
                ),
                **READ,
                **invalid("action", "Ensure this field has no more than 100 characters."),
            },
            ACTION,
            retry_after(429),
        )
    },
}
