"""Sessions and tokens of two users at every kind of gated view (G-13)."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import JsonResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.views import View
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import FaceRequiredMixin, face_required, recognise_client
from django_faceauth.testing import face_shown
from tests.addresses import served

pytestmark = pytest.mark.database

GATE = {"action": "doors", "max_age": 3600}  # a slow machine is not what is tested


def respond(request):
    """Name the user for whom the work would be done."""
    return JsonResponse({"in": request.user.username})


async def respond_async(request):
    user = await request.auser()
    return JsonResponse({"in": user.username})


def recognised(request):
    """Recognise the user of the token that a request has, if any."""
    name = request.headers.get("X-Token")
    if not name:
        return None
    user = User.objects.get(username=name)
    recognise_client(request, user, credential=f"token of {name}")
    return user


def with_token(view):
    def known(request):
        recognised(request)
        return view(request)

    return known


class Mixed(FaceRequiredMixin, View):
    face_action, face_max_age = GATE["action"], GATE["max_age"]

    def get(self, request):
        return respond(request)


class Authentication(BaseAuthentication):
    def authenticate(self, request):
        user = recognised(request)
        return None if user is None else (user, "token")

    def authenticate_header(self, request):
        return "Bearer"


class Endpoint(APIView):
    authentication_classes = [Authentication, SessionAuthentication]
    permission_classes = [IsAuthenticated, require_face(**GATE)]

    def get(self, request):
        return respond(request)


def ninja_urls():
    from ninja import NinjaAPI  # an optional package

    api = NinjaAPI(auth=lambda request: recognised(request) or session_user(request))
    api.get("/")(face_required(**GATE)(lambda request: respond(request)))
    return api.urls


def session_user(request):
    return request.user if request.user.is_authenticated else None


VIEWS = {
    "function": lambda: with_token(face_required(**GATE)(respond)),
    "class": lambda: with_token(Mixed.as_view()),
    "async": lambda: with_token(async_to_sync(face_required(**GATE)(respond_async))),
    "api": lambda: Endpoint.as_view(),
    **({"ninja": ninja_urls} if find_spec("ninja") else {}),
}


@pytest.fixture
def scene(people, monkeypatch):
    """Two users with sessions and tokens: one has shown a face for both, one has not."""
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "1")
    browsers, handles = {"": Client()}, {"": ""}
    for name in ("fresh", "stale"):
        person = people()
        User.objects.filter(pk=person.user.pk).update(username=name)
        person.user.refresh_from_db()
        browsers[name] = person.browser
        request = RequestFactory().get("/")
        recognise_client(request, person.user, credential=f"token of {name}")
        ago = 0 if name == "fresh" else 10**4
        handles[name] = face_shown(request, action="doors", ago=ago).handle
        face_shown(person.browser, action="doors", ago=ago)
    return browsers, handles


def outcome(response):
    if response.status_code == 302:
        return "redirected" if "/face/start/" in response["Location"] else "login"
    is_json = "json" in response.headers.get("Content-Type", "")  # refusals may be pages
    body = response.json() if is_json else {}
    if response.status_code == 200:
        return f"in as {body['in']}"
    return "refused" if body.get("code") == "face_required" else "login"


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize(
    ("session", "token", "challenge", "expected"),
    [
        ("", "", "", "login"),
        ("fresh", "", "", "in as fresh"),
        ("stale", "", "", "redirected"),
        ("fresh", "stale", "", "refused"),
        ("fresh", "stale", "fresh", "refused"),
        ("fresh", "fresh", "", "refused"),
        ("stale", "fresh", "fresh", "in as fresh"),
        ("stale", "fresh", "stale", "refused"),
    ],
)
def test_the_gate_decides_for_the_user_of_the_view(
    scene, name, session, token, challenge, expected
):
    """F-01, F-28, F-81."""
    browsers, handles = scene
    headers = {"accept": "text/html", "sec-fetch-mode": "navigate"}
    if token:
        headers["x-token"] = token
    if challenge:
        headers["face-challenge"] = handles[challenge]
    if name == "api" and expected == "redirected":
        expected = "refused"

    with served(path("view/", VIEWS[name]())):
        answer = browsers[session].get("/view/", headers=headers)

    assert outcome(answer) == expected
