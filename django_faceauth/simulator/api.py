"""The calls of the provider's API: read, apply one step of the machine, tell.

Each is named as the operation of our client that makes it.
"""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from django_faceauth.simulator import (
    credentials,
    paging,
    representations,
    state_machine,
    store,
    validation,
)
from django_faceauth.simulator.ids import new_id
from django_faceauth.simulator.problems import Problem


def token(request: HttpRequest) -> HttpResponse:
    """Give an access token for OAuth client credentials."""
    form = request.POST
    if not credentials.is_client(form.get("client_id", ""), form.get("client_secret", "")):
        return JsonResponse({"error": "invalid_client"}, status=401)
    if form.get("grant_type") != "client_credentials":
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    return JsonResponse(
        {
            "access_token": credentials.new_token(),
            "expires_in": int(credentials.TOKEN_LIFETIME.total_seconds()),
            "token_type": "Bearer",
        }
    )


def create_authentication(request: HttpRequest) -> HttpResponse:
    """Create a face authentication."""
    ids = validation.read_authentication(validation.body_of(request.body))
    case = state_machine.create(new_id("fav"), **ids, now=timezone.now())
    store.add(case)
    return JsonResponse(representations.authentication(case, root_of(request)), status=201)


def get_authentication(request: HttpRequest, case_id: str) -> HttpResponse:
    """Tell a face authentication."""
    case = store.read(case_id, timezone.now())
    return JsonResponse(representations.authentication(case, root_of(request)))


def anonymize_authentication(request: HttpRequest, case_id: str) -> HttpResponse:
    """Remove the personal data of a face authentication."""
    now = timezone.now()
    try:
        case = store.change(case_id, partial(state_machine.anonymize, now=now), now)
    except state_machine.NotAllowed:
        raise Problem(400, "invalid_request", "face_authentication_in_progress") from None
    return JsonResponse(representations.authentication(case, root_of(request)))


def create_attempt(request: HttpRequest, case_id: str) -> HttpResponse:
    """Create an attempt of a face authentication."""
    now = timezone.now()
    add = partial(
        state_machine.add_attempt,
        attempt_id=new_id("fatp"),
        request=validation.read_attempt(validation.body_of(request.body)),
        now=now,
    )
    try:
        case = store.change(case_id, add, now)
    except state_machine.NotAllowed:
        raise Problem(409, "conflict", "face_authentication_status_invalid") from None
    return JsonResponse(
        representations.attempt(case, case.attempts[-1], root_of(request)), status=201
    )


def list_attempts(request: HttpRequest, case_id: str) -> HttpResponse:
    """Tell the attempts of a face authentication, newest first."""
    case = store.read(case_id, timezone.now())
    return _page(request, representations.attempts(case, root_of(request)))


def get_attempt(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    """Tell one attempt."""
    case = store.read(case_id, timezone.now())
    return JsonResponse(representations.attempt(case, case.attempt(attempt_id), root_of(request)))


def list_assets(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    """Tell what was recorded during an attempt."""
    case = store.read(case_id, timezone.now())
    return _page(request, representations.assets(case, case.attempt(attempt_id), root_of(request)))


def root_of(request: HttpRequest) -> str:
    """Return the simulator's address as the caller knows it.

    Reversing URL names would give that of this site's URL conf: behind an adapter the same
    views answer for another host, without a prefix.
    """
    prefix, _, _ = request.path.rpartition("/face-authentications")
    return request.build_absolute_uri(prefix or "/").rstrip("/")


def _page(request: HttpRequest, items: list[representations.Json]) -> HttpResponse:
    window = paging.Window.of(request.GET.dict())
    return JsonResponse(paging.page(items, window, request.build_absolute_uri(request.path)))
