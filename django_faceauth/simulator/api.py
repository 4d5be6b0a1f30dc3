"""Endpoints of the provider's API, for face authentications and identity verifications."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.identifiers import Prefix
from django_faceauth.models import database
from django_faceauth.secret import Secret
from django_faceauth.simulator import representations, state_machine, store, validation
from django_faceauth.simulator.models import StoredApplicant, StoredCase
from django_faceauth.simulator.representations import Json
from django_faceauth.simulator.scenarios import scenario_for
from django_faceauth.simulator.state_machine import (
    AttemptRequest,
    Case,
    NotAllowed,
    Unknown,
    new_id,
)
from django_faceauth.simulator.validation import Problem
from django_faceauth.simulator.view_decorators import TOKEN_LIFETIME, TOKEN_SALT

#: The end of a path of the API, after the root of the simulator.
COLLECTION: Final = re.compile(
    r"/(face-authentications|identity-verifications|applicants|create-and-open-idv|workflows)"
    r"(/.*)?$"
)


def token(request: HttpRequest) -> HttpResponse:
    """Return an access token for the OAuth client of the site's settings."""
    client_id, client_secret = (
        Secret(request.POST.get(name, "")) for name in ("client_id", "client_secret")
    )
    is_client = client_id == Secret(conf.OAUTH_CLIENT_ID)
    if not (is_client and client_secret == conf.OAUTH_CLIENT_SECRET and conf.OAUTH_CLIENT_ID):
        return JsonResponse({"error": "invalid_client"}, status=401)
    if request.POST.get("grant_type") != "client_credentials":
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    return JsonResponse(
        {
            # Signed and dated, so that no token has to be stored.
            "access_token": signing.dumps(
                [conf.OAUTH_CLIENT_ID, request.POST.get("scope", "")], salt=TOKEN_SALT
            ),
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
            "token_type": "Bearer",
        }
    )


def create_authentication(request: HttpRequest) -> HttpResponse:
    ids = validation.read(validation.body_of(request.body), validation.AUTHENTICATION)
    case = state_machine.create(new_id("fav"), **ids, now=timezone.now())
    store.add(case)
    return _answer(request, case, status=201)


def create_identity_verification(request: HttpRequest) -> HttpResponse:
    case = _new_verification(validation.body_of(request.body), validation.VERIFICATION)
    store.add(case)
    return _answer(request, case, status=201)


def create_and_open_identity_verification(request: HttpRequest) -> HttpResponse:
    """Create an identity verification with its first attempt, and an applicant if none is given."""
    body = validation.body_of(request.body)
    body["applicant_id"] = body.get("applicant_id") or new_id("aplt")
    case = _new_verification(
        body, {**validation.VERIFICATION, "redirect_url": validation.is_web_url}
    )
    attempt = AttemptRequest(redirect_url=body["redirect_url"])
    opened = state_machine.add_attempt(case, new_id("iatp"), attempt, case.created_on)
    store.add(case, opened)
    return _answer(request, opened, status=201, opened=opened.attempts[-1])


def get_case(request: HttpRequest, case_id: str) -> HttpResponse:
    return _answer(request, _read(request, case_id))


def anonymize_case(request: HttpRequest, case_id: str) -> HttpResponse:
    case, now = _read(request, case_id), timezone.now()
    try:
        case = store.change(case_id, partial(state_machine.anonymize, now=now), now)
    except NotAllowed:
        code = f"{case.kind}_in_progress"
        raise Problem(400, "invalid_request", code) from None
    return _answer(request, case)


def create_attempt(request: HttpRequest, case_id: str) -> HttpResponse:
    case, now = _read(request, case_id), timezone.now()
    attempt = validation.read(validation.body_of(request.body), validation.ATTEMPT)
    add = partial(
        state_machine.add_attempt,
        attempt_id=new_id("iatp" if case.is_of_identity else Prefix.ATTEMPT),
        request=AttemptRequest(**attempt),
        now=now,
    )
    case = store.change(case_id, add, now)
    shown = representations.attempt(case, case.attempts[-1], root_of(request))
    return JsonResponse(shown, status=201)


def list_attempts(request: HttpRequest, case_id: str) -> HttpResponse:
    case, root = _read(request, case_id), root_of(request)
    attempts = [representations.attempt(case, each, root) for each in reversed(case.attempts)]
    return _page(request, attempts)


def get_attempt(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    case = _read(request, case_id)
    attempt = representations.attempt(case, case.attempt(attempt_id), root_of(request))
    return JsonResponse(attempt)


def list_assets(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    """Return what was recorded during an attempt."""
    case = _read(request, case_id)
    attempt = case.attempt(attempt_id)
    return _page(request, representations.assets(case, attempt, root_of(request)))


def create_applicant(request: HttpRequest) -> HttpResponse:
    profile = validation.read(validation.body_of(request.body), validation.PROFILE)
    stamp = representations.timestamp(timezone.now())
    document = {"created_on": stamp, "modified_on": stamp, **profile}
    row = StoredApplicant.objects.create(id=new_id("aplt"), document=document)
    return JsonResponse(representations.applicant(row.id, document, root_of(request)), status=201)


def get_applicant(request: HttpRequest, applicant_id: str) -> HttpResponse:
    return _change_applicant(request, applicant_id, lambda document: document)


def update_applicant(request: HttpRequest, applicant_id: str) -> HttpResponse:
    profile = validation.read(validation.body_of(request.body), validation.PROFILE)
    return _change_applicant(request, applicant_id, lambda document: {**document, **profile})


def anonymize_applicant(request: HttpRequest, applicant_id: str) -> HttpResponse:
    return _change_applicant(
        request,
        applicant_id,
        lambda document: {
            name: value for name, value in document.items() if name not in validation.PROFILE
        },
    )


def root_of(request: HttpRequest) -> str:
    """Return the simulator's URL as the caller knows it.

    Reversing URL names would give that of this site's URL conf: behind an adapter the same
    views answer for another host, without a prefix.
    """
    root = COLLECTION.sub("", request.path)
    return request.build_absolute_uri(root or "/").rstrip("/")


def _page(request: HttpRequest, items: list[Json]) -> HttpResponse:
    url = request.build_absolute_uri(request.path)
    return JsonResponse(representations.page(items, request.GET.dict(), url))


def _read(request: HttpRequest, case_id: str) -> Case:
    case = store.read(case_id, timezone.now())
    if f"/{representations.collection_of(case)}/" not in request.path:
        raise Unknown  # of the other kind
    return case


def _answer(request: HttpRequest, case: Case, *, status: int = 200, **more: Any) -> HttpResponse:
    return JsonResponse(representations.resource(case, root_of(request), **more), status=status)


def _new_verification(body: validation.Body, members: validation.Members) -> Case:
    values = validation.read(body, members)
    applicant = StoredApplicant.objects.filter(id=values["applicant_id"]).first()
    profile = applicant.document if applicant else {}
    return state_machine.create(
        new_id(Prefix.IDENTITY_VERIFICATION),
        applicant_id=values["applicant_id"],
        user_journey_id=values["user_journey_id"],
        declared_data=values["declared_data"],
        external_applicant_id=profile.get("external_applicant_id", ""),
        now=timezone.now(),
    )


def _change_applicant(
    request: HttpRequest,
    applicant_id: str,
    change: Callable[[representations.Json], representations.Json],
) -> HttpResponse:
    with database.atomic(StoredApplicant):
        row = StoredApplicant.objects.select_for_update().filter(id=applicant_id).first()
        if row is None:
            # One of a scenario, or one that has come with a face authentication.
            cases = StoredCase.objects.filter(document__applicant_id=applicant_id)
            if not (scenario_for(applicant_id) or cases.exists()):
                raise Unknown
            row = StoredApplicant(id=applicant_id, document={})
        document = change(row.document)
        if document != row.document:
            stamp = representations.timestamp(timezone.now())
            row.document = {**document, "modified_on": stamp}
            row.save()
    return JsonResponse(representations.applicant(row.id, row.document, root_of(request)))
