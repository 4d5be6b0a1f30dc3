"""Endpoints of the provider's API.

The functions are named for the operations of our client."""

from __future__ import annotations

from functools import partial

from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.secret import Secret
from django_faceauth.simulator import representations, state_machine, store, validation
from django_faceauth.simulator.state_machine import NotAllowed, new_id
from django_faceauth.simulator.validation import Problem
from django_faceauth.simulator.view_decorators import TOKEN_LIFETIME, TOKEN_SALT


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
            "access_token": signing.dumps(conf.OAUTH_CLIENT_ID, salt=TOKEN_SALT),
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
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
    """Return a face authentication."""
    case = store.read(case_id, timezone.now())
    return JsonResponse(representations.authentication(case, root_of(request)))


def anonymize_authentication(request: HttpRequest, case_id: str) -> HttpResponse:
    """Remove the personal data of a face authentication."""
    now = timezone.now()
    try:
        case = store.change(case_id, partial(state_machine.anonymize, now=now), now)
    except NotAllowed:
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
    except NotAllowed:
        raise Problem(409, "conflict", "face_authentication_status_invalid") from None
    attempt = representations.attempt(case, case.attempts[-1], root_of(request))
    return JsonResponse(attempt, status=201)


def list_attempts(request: HttpRequest, case_id: str) -> HttpResponse:
    """Return the attempts of a face authentication, newest first."""
    case, root = store.read(case_id, timezone.now()), root_of(request)
    attempts = [representations.attempt(case, each, root) for each in reversed(case.attempts)]
    return _page(request, attempts)


def get_attempt(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    """Return one attempt."""
    case = store.read(case_id, timezone.now())
    attempt = case.attempt(attempt_id)
    return JsonResponse(representations.attempt(case, attempt, root_of(request)))


def list_assets(request: HttpRequest, case_id: str, attempt_id: str) -> HttpResponse:
    """Return what was recorded during an attempt."""
    case = store.read(case_id, timezone.now())
    attempt = case.attempt(attempt_id)
    return _page(request, representations.assets(case, attempt, root_of(request)))


def root_of(request: HttpRequest) -> str:
    """Return the simulator's URL as the caller knows it.

    Reversing URL names would give that of this site's URL conf: behind an adapter the same
    views answer for another host, without a prefix.
    """
    prefix, _, _ = request.path.rpartition("/face-authentications")
    return request.build_absolute_uri(prefix or "/").rstrip("/")


def _page(request: HttpRequest, items: list[representations.Json]) -> HttpResponse:
    url = request.build_absolute_uri(request.path)
    return JsonResponse(representations.page(items, request.GET.dict(), url))
