"""The endpoints: what a program needs that wants to get through a gate."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime
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

from django_faceauth.api.base import ApiView
from django_faceauth.api.errors import (
    PATIENCE,
    CookieReplaced,
    ended,
    limited,
    not_agreed,
    unavailable,
    under_way,
)
from django_faceauth.api.serializers import (
    AttemptRequestSerializer,
    CaptureSerializer,
    ChallengeSerializer,
    ConsentSerializer,
    FreshnessQuerySerializer,
    FreshnessSerializer,
)
from django_faceauth.api.throttling import STARTS
from django_faceauth.exceptions import (
    ConsentRequired,
    NotEnrolled,
    TooManyAttempts,
)
from django_faceauth.gate.decision import Reason
from django_faceauth.gate.freshness import freshness
from django_faceauth.gate.problem_details import addresses_of, problem
from django_faceauth.gate.redirects import fallback_for, way_back
from django_faceauth.gate.responses import denial
from django_faceauth.models import FaceChallenge
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services.flow import finish
from django_faceauth.services.flow.progress import (
    Step,
    Word,
    can_reopen,
    step_for,
    word_for,
    wording_for,
)
from django_faceauth.services.flow.start import begin
from django_faceauth.services.grants import grants
from django_faceauth.services.grants.formatting import lines, plain
from django_faceauth.services.privacy import consent

logger = logging.getLogger(__name__)

Source = StatusChange.Source


class ChallengeView(ApiView):
    """Where one challenge stands, and what to do next."""

    serializer_class = ChallengeSerializer

    def get(self, request: Request, handle: str) -> HttpResponseBase:
        """Return the challenge; ask the provider if it is time to."""
        now = timezone.now()
        challenge, trouble = finish.look(_found(request, handle), source=Source.POLL, now=now)
        told = _told(request, challenge, trouble, now)
        if challenge.state == FaceChallenge.State.GRANTED:
            grants.see(request, challenge, now=now)
        response = Response(self.get_serializer(told).data)
        etag = response["ETag"] = _etag(response.data)
        answer = get_conditional_response(request, etag=etag, response=response) or response
        if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
            return problem(412, "precondition_failed", _("This has changed."))
        if told["next"] == Step.WAIT:
            answer["Retry-After"] = PATIENCE
        return answer


class ChallengeAttemptsView(ApiView):
    """The attempts of one challenge: there is one at a time."""

    serializer_class = AttemptRequestSerializer
    throttle_scope = STARTS

    def post(self, request: Request, handle: str) -> HttpResponseBase:
        """Start or retry; an attempt whose link can still be opened is handed out again."""
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        challenge, now = _found(request, handle), timezone.now()
        word = word_for(challenge, now=now)
        if word not in {Word.OPEN, Word.RETRY}:
            return ended(challenge, word, now)
        return _start(request, challenge, given.validated_data, now)


class ConsentView(ApiView):
    """Whether the caller has agreed to face checks.

    Without a gate: taking it back must be as easy as giving it, and opens nothing (V-03).
    """

    serializer_class = ConsentSerializer

    def get(self, request: Request) -> Response:
        """Return it, and what there is to agree to."""
        user = cast(AbstractBaseUser, request.user)
        words, latest = consent.words(), consent.latest(user)
        told = {
            "needed": consent.is_needed(user),
            "version": words.version,
            "text": words.text if words.version else "",
            "given_version": latest and latest.version,
            "given_at": latest and latest.given_at,
            "withdrawn_at": latest and latest.withdrawn_at,
        }
        return Response(self.get_serializer(told).data)

    def delete(self, request: Request) -> HttpResponseBase:
        """Take it back; there may be nothing to take back."""
        if grants.is_impersonated(request):
            return denial(Reason.IMPERSONATED)
        consent.withdraw(cast(AbstractBaseUser, request.user), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class FreshnessView(ApiView):
    """Whether this client would get through, before it asks."""

    serializer_class = FreshnessSerializer

    def get(self, request: Request) -> Response:
        """Return it for the action that the query names; uses nothing up."""
        query = FreshnessQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        action = query.validated_data["action"]
        face = freshness(request, action=action)
        told = {"fresh": face is not None, "expires_at": face and face.expires_at, "action": action}
        return Response(self.get_serializer(told).data)


def _found(request: Request, handle: str) -> FaceChallenge:
    """Return the challenge that this client was given; others do not exist for it (B-07)."""
    challenge = grants.find(request, handle)
    if challenge is None:
        raise CookieReplaced if grants.is_behind(request, handle) else Http404
    return challenge


def _told(
    request: Request, challenge: FaceChallenge, trouble: Exception | None, now: datetime
) -> dict[str, Any]:
    word = word_for(challenge, now=now)
    step = step_for(challenge, word, now=now)
    fallback = fallback_for(challenge.handle) if challenge.is_unanswered else ""
    verified_at = challenge.verified_at
    return {
        "challenge": challenge.handle,
        "state": word.value,
        "next": step,
        "can_reopen": step is Step.WAIT and can_reopen(challenge, now=now),
        "message": wording_for(challenge, word, now=now, trouble=trouble).message,
        "action": challenge.action,
        "max_age": challenge.max_age,
        "snapshot": plain(challenge.snapshot),
        "lines": lines(challenge.snapshot, challenge.snapshot_order),
        "verified_at": verified_at,
        "expires_at": verified_at and verified_at + challenge.age_limit,
        **addresses_of(request, challenge),
        "fallback_url": request.build_absolute_uri(fallback) if fallback else None,
    }


def _etag(data: Any) -> str:
    body = json.dumps(data, sort_keys=True, default=str)
    return f'"{hashlib.sha256(body.encode()).hexdigest()}"'


def _start(
    request: Request, challenge: FaceChallenge, given: Mapping[str, str], now: datetime
) -> HttpResponseBase:
    try:
        step = begin(
            challenge,
            redirect_url=way_back(request, challenge),
            now=now,
            return_url=given.get("redirect_url") or reverse("faceauth:done"),
            agreed_to=given.get("consent", ""),
        )
    except NotEnrolled:
        return denial(Reason.NOT_ENROLLED)
    except ConsentRequired as missing:
        return not_agreed(missing)
    except TooManyAttempts as closed:
        return limited(closed, now)
    except finish.TROUBLES as error:
        logger.error("start failed: %s challenge=%s", error, challenge.pk)
        return unavailable(error)
    if step is None:
        return under_way()
    return Response(CaptureSerializer(step).data, status=status.HTTP_201_CREATED)
