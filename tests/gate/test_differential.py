"""The same requests at every kind of gated view, against an oracle (G-13)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import JsonResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.views import View
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import FaceRequiredMixin, face_required, recognise_client
from django_faceauth.gate.admin import FaceRequiredAdminSite
from django_faceauth.testing import face_shown
from tests.addresses import served
from tests.gate.test_admin import make_staff

pytestmark = pytest.mark.database

VERBS = ["GET", "POST", "PUT"]
HOUR = 3600  # a slow machine is not what is tested
PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate"}
SCRIPT = {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}


# -- the gates


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


class Authentication(BaseAuthentication):
    def authenticate(self, request):
        user = recognised(request)
        return None if user is None else (user, "token")

    def authenticate_header(self, request):
        return "Bearer"


def doors_for(methods):
    """Return the URL of a view of each kind, all of them with the same gate."""
    gate = {"action": "doors", "methods": methods, "max_age": HOUR}

    class Mixed(FaceRequiredMixin, View):
        face_action, face_methods, face_max_age = "doors", methods, HOUR

        def get(self, request):
            return respond(request)

        post = put = get

    class Endpoint(APIView):
        authentication_classes = [Authentication, SessionAuthentication]
        permission_classes = [IsAuthenticated, require_face(**gate)]

        def get(self, request):
            return respond(request)

        post = put = get

    doors = {
        "function": with_token(face_required(**gate)(respond)),
        "class": with_token(Mixed.as_view()),
        "async": with_token(async_to_sync(face_required(**gate)(respond_async))),
        "api": Endpoint.as_view(),
    }
    if methods is None:

        class Site(FaceRequiredAdminSite):
            face_action, face_max_age = "doors", HOUR

            def index(self, request, extra_context=None):
                return respond(request)

        site = Site(name="doors")
        doors["admin"] = lambda request: site.admin_view(site.index)(request)
    return [path(f"{name}/", view) for name, view in doors.items()] + operations(gate)


def operations(gate):
    """Return the URL of an operation of django-ninja, if that is installed."""
    if not find_spec("ninja"):
        return []
    from ninja import NinjaAPI

    api = NinjaAPI(auth=lambda request: recognised(request) or session_user(request))
    operation = face_required(**gate)(lambda request: respond(request))
    api.api_operation(VERBS, "/")(operation)
    return [path("ninja/", api.urls)]


def session_user(request):
    return request.user if request.user.is_authenticated else None


# -- requests and expected outcomes


@dataclass(frozen=True)
class Case:
    """A request: method, headers, the user of the session, and the user of a token."""

    verb: str = "GET"
    headers: tuple = tuple(PAGE.items())
    methods: tuple | None = None
    session: str = ""
    token: str = ""
    names: str = ""

    def expected(self, door):
        """Return the outcome that a gate must have."""
        by_token = door != "admin" and bool(self.token)
        user = self.token if by_token else self.session
        if not user and (door in {"api", "ninja", "admin"} or self.is_covered):
            return "login"
        if not self.is_covered:
            return f"in as {user}"
        is_fresh = self.names == self.token == "fresh" if by_token else self.session == "fresh"
        if is_fresh:
            return f"in as {user}"
        is_page = self.verb != "PUT" and dict(self.headers) == PAGE
        return "told" if by_token or door == "api" or not is_page else "sent"

    @property
    def is_covered(self):
        return self.methods is None or self.verb != "GET"


CASES = st.builds(
    Case,
    verb=st.sampled_from(VERBS),
    headers=st.sampled_from([tuple(PAGE.items()), tuple(SCRIPT.items())]),
    methods=st.sampled_from([None, ("POST",)]),
    **{name: st.sampled_from(["", "fresh", "stale"]) for name in ("session", "token", "names")},
)


def outcome(response):
    """Return the outcome of a request, in the words of the oracle."""
    where = response.headers.get("Location", "")
    if response.status_code == 302:
        return "sent" if "/face/start/" in where else "login"
    is_json = "json" in response.headers.get("Content-Type", "")  # refusals may be pages
    body = response.json() if is_json else {}
    if response.status_code == 200:
        return f"in as {body['in']}"
    return "told" if body.get("code") == "face_required" else "login"


@pytest.fixture
def scene(people, monkeypatch):
    """Two users with sessions and tokens: one has shown a face for both, one has not."""
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "1")
    browsers, handles = {"": Client()}, {"": ""}
    for name in ("fresh", "stale"):
        person = make_staff(people())
        User.objects.filter(pk=person.user.pk).update(username=name)
        person.user.refresh_from_db()
        browsers[name] = person.browser
        request = RequestFactory().get("/")
        recognise_client(request, person.user, credential=f"token of {name}")
        ago = 0 if name == "fresh" else 10**4
        handles[name] = face_shown(request, action="doors", ago=ago).handle
        face_shown(person.browser, action="doors", ago=ago)
    return browsers, handles


@given(CASES)
@example(Case(session="fresh"))
@example(Case(session="stale"))
@example(Case(session="fresh", token="stale"))
@example(Case(session="stale", token="fresh", names="fresh"))
@example(Case(session="fresh", token="fresh"))
@example(Case(session="fresh", token="stale", names="fresh"))
@example(Case(session="fresh", verb="PUT", methods=("POST",), token="stale"))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_gate_does_what_the_oracle_says(scene, case):
    """The gate decides for the user for whom the view works (F-01, F-04, F-28, F-81)."""
    browsers, handles = scene
    headers = dict(case.headers)
    if case.token:
        headers["x-token"] = case.token
    if case.names:
        headers["face-challenge"] = handles[case.names]
    patterns = doors_for(case.methods)
    with served(*patterns, path("desk/", admin.site.urls)):  # for the log-in of the admin
        names = [str(pattern.pattern).strip("/") for pattern in patterns]
        assert {"function", "class", "async", "api"} <= set(names)
        assert ("ninja" in names) == bool(find_spec("ninja"))
        answers = {
            name: outcome(browsers[case.session].generic(case.verb, f"/{name}/", headers=headers))
            for name in names
        }

    assert answers == {name: case.expected(name) for name in names}
