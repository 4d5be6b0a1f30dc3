"""Endpoints for challenges, consent and freshness."""

from __future__ import annotations

import hashlib
import json
import logging
from http import HTTPStatus
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from django_faceauth.api.base import STARTS, ApiView
from django_faceauth.api.exceptions import RETRY_AFTER, CookieReplaced, unavailable
from django_faceauth.api.schema import describe
from django_faceauth.api.serializers import (
    FaceAttemptStartSerializer,
    FaceCaptureSerializer,
    FaceChallengeSerializer,
    FaceConsentSerializer,
    FaceFreshnessSerializer,
    FaceSecondWaySerializer,
    FreshnessQuerySerializer,
)
from django_faceauth.exceptions import ConsentRequired, NotEnrolled, TooManyAttempts
from django_faceauth.gate.decision import Reason
from django_faceauth.gate.fallback import try_second_way
from django_faceauth.gate.freshness import freshness
from django_faceauth.gate.problem_details import problem, urls_of
from django_faceauth.gate.redirects import other_ways, way_back
from django_faceauth.gate.responses import denial
from django_faceauth.messages import LIMITED, LOCKED_WAY, RETRY, WRONG_CODE
from django_faceauth.models import FaceChallenge
from django_faceauth.models.authentication import StatusChange
from django_faceauth.networks import origin_of
from django_faceauth.services.flow import finish
from django_faceauth.services.flow.capture import options_for
from django_faceauth.services.flow.progress import Step, can_reopen, step_for, word_for, wording_for
from django_faceauth.services.flow.start import begin
from django_faceauth.services.grants import face_cookie, grants, identity
from django_faceauth.services.grants.formatting import lines, plain
from django_faceauth.services.privacy import consent
from django_faceauth.services.second_ways import Result

logger = logging.getLogger(__name__)

Source = StatusChange.Source
State = FaceChallenge.State


class ChallengeView(ApiView):
    """The state of one challenge, and the next step."""

    serializer_class = FaceChallengeSerializer

    @describe(
        "face_challenges_retrieve",
        "Retrieve a challenge",
        {200: FaceChallengeSerializer, 304: None},
        errors={409: "`cookie_replaced`", 412: "`precondition_failed`"},
        parameters={"handle": "path", "If-None-Match": "header", "If-Match": "header"},
        etag=[200, 304],
        retry_after=[200, 304, 409],
    )
    def get(self, request: Request, handle: str) -> HttpResponseBase:
        """Return the challenge, after a poll of the provider if one is due."""
        now = timezone.now()
        challenge, trouble = finish.look(
            _challenge_for(request, handle), source=Source.POLL, now=now
        )
        word = word_for(challenge, now=now)
        step = step_for(challenge, word, now=now)
        ways: dict[str, Any] = {"fallback_url": None}
        if challenge.is_unanswered:
            ways = other_ways(request, challenge)
        verified_at = challenge.verified_at
        data = {
            "challenge": challenge.handle,
            "state": word,
            "next": step,
            "can_reopen": step is Step.WAIT and can_reopen(challenge, now=now),
            "message": wording_for(challenge, word, now=now, trouble=trouble).message,
            "action": challenge.action,
            "max_age": challenge.max_age,
            "snapshot": plain(challenge.snapshot),
            "lines": lines(challenge.snapshot, challenge.snapshot_order),
            "verified_at": verified_at,
            "expires_at": verified_at and verified_at + challenge.age_limit,
            **urls_of(request, challenge),
            **ways,
        }
        if challenge.state == State.GRANTED:
            face_cookie.see(request, challenge, now=now)
        response = Response(self.get_serializer(data).data)
        body = json.dumps(response.data, sort_keys=True, default=str)
        etag = response["ETag"] = f'"{hashlib.sha256(body.encode()).hexdigest()}"'
        answer = get_conditional_response(request, etag=etag, response=response) or response
        if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
            return problem(412, "precondition_failed", _("This has changed."))
        if step is Step.WAIT:
            answer["Retry-After"] = RETRY_AFTER
        return answer


class ChallengeAttemptsView(ApiView):
    """The attempts of one challenge, one at a time."""

    serializer_class = FaceAttemptStartSerializer
    throttle_scope = STARTS

    @describe(
        "face_challenges_attempts_create",
        "Start an attempt",
        {201: FaceCaptureSerializer},
        errors={
            400: "`invalid`, `parse_error`, `consent_required`",
            403: "`not_enrolled`",
            409: "`under_way`, `cookie_replaced`, or the state in which the challenge has ended",
            415: "`unsupported_media_type`",
            429: "`too_many_attempts`",
            503: "`unavailable`",
        },
        parameters={"handle": "path"},
        retry_after=[409, 503],
    )
    def post(self, request: Request, handle: str) -> HttpResponseBase:
        """Start an attempt, or return the last one if its link can still be opened."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        challenge, now = _challenge_for(request, handle), timezone.now()
        word = word_for(challenge, now=now)
        if word not in {State.OPEN, RETRY}:
            return problem(409, word, str(wording_for(challenge, word, now=now).message))
        try:
            step = begin(
                challenge,
                redirect_url=way_back(request, challenge.handle),
                now=now,
                return_url=data.get("redirect_url") or reverse("faceauth:done"),
                agreed_to=data.get("consent", ""),
                options=options_for(request, challenge.user).without_number(),
                origin=origin_of(request),
            )
        except NotEnrolled:
            return denial(Reason.NOT_ENROLLED)
        except ConsentRequired as missing:
            return problem(
                400,
                "consent_required",
                _("The face check needs the consent of its user."),
                consent_version=missing.version,
                consent_text=consent.current_text().text,
            )
        except TooManyAttempts as closed:
            title, until = str(LIMITED[closed.scope].message), closed.until.isoformat()
            response = problem(429, "too_many_attempts", title, scope=closed.scope, until=until)
            response["Retry-After"] = str(closed.seconds(now))
            return response
        except finish.TROUBLES as error:
            logger.error("start failed: %s challenge=%s", error, challenge.pk)
            return unavailable(error)
        if step is None:
            response = problem(409, "under_way", _("A face check is under way already."))
            response["Retry-After"] = RETRY_AFTER
            return response
        return Response(FaceCaptureSerializer(step).data, status=status.HTTP_201_CREATED)


class ChallengeWaysView(ApiView):
    """Codes that answer one challenge instead of a face."""

    serializer_class = FaceSecondWaySerializer
    throttle_scope = STARTS

    @describe(
        "face_challenges_ways_create",
        "Answer by a code",
        {204: None},
        errors={
            400: "`invalid`, `parse_error`, `wrong_code`",
            409: "`cookie_replaced`, or `closed`: it cannot be answered in this way",
            415: "`unsupported_media_type`",
            429: "`locked`: too many wrong codes",
        },
        parameters={"handle": "path"},
        retry_after=[409],
    )
    def post(self, request: Request, handle: str) -> HttpResponseBase:
        """Approve the challenge if the code is right; send the refused request again then."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        challenge = _challenge_for(request, handle)
        result = try_second_way(request, challenge.handle, **serializer.validated_data)
        if result is Result.WRONG:
            return problem(400, "wrong_code", str(WRONG_CODE))
        if result is Result.LOCKED:
            return problem(429, "locked", str(LOCKED_WAY))
        if result is Result.CLOSED:
            return problem(409, "closed", _("This cannot be answered in this way."))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConsentView(ApiView):
    """The consent of the caller to face checks.

    Without a gate: withdrawing must be as easy as agreeing, and opens nothing.
    """

    serializer_class = FaceConsentSerializer

    @describe(
        "face_consent_retrieve", "Retrieve the consent of the caller", {200: FaceConsentSerializer}
    )
    def get(self, request: Request) -> Response:
        """Return the consent of the caller, and the text that they can agree to today."""
        user = cast(AbstractBaseUser, request.user)
        current, latest = consent.current_text(), consent.latest(user)
        data = {
            "needed": consent.is_needed(user),
            "version": current.version,
            "text": current.text if current.version else "",
            "given_version": latest and latest.version,
            "given_at": latest and latest.given_at,
            "withdrawn_at": latest and latest.withdrawn_at,
        }
        return Response(self.get_serializer(data).data)

    @describe(
        "face_consent_destroy",
        "Withdraw the consent of the caller",
        {204: None},
        errors={403: "`impersonated`"},
    )
    def delete(self, request: Request) -> HttpResponseBase:
        """Withdraw any consent, end face checks, and have the face anonymized."""
        if identity.is_impersonated(request):
            return denial(Reason.IMPERSONATED)
        consent.withdraw(cast(AbstractBaseUser, request.user), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class FreshnessView(ApiView):
    """Whether a gate would let this client through."""

    serializer_class = FaceFreshnessSerializer

    @describe(
        "face_freshness_retrieve",
        "Retrieve the freshness of the caller",
        {200: FaceFreshnessSerializer},
        errors={400: "`invalid`"},
        parameters={"action": "query"},
    )
    def get(self, request: Request) -> Response:
        """Return the freshness for an action; uses up no grant."""
        query = FreshnessQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        action = query.validated_data["action"]
        face = freshness(request, action=action)
        expires_at = face and face.expires_at
        data = {"fresh": face is not None, "expires_at": expires_at, "action": action}
        return Response(self.get_serializer(data).data)


def _challenge_for(request: Request, handle: str) -> FaceChallenge:
    """Return the challenge that this client was given; others do not exist for it."""
    challenge = grants.find(request, handle)
    if challenge is None:
        raise CookieReplaced if grants.is_behind(request, handle) else Http404
    return challenge
