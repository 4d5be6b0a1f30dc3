"""The same requests at every kind of gated view, and what a few lines expect of them (G-13)."""

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
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import face_shown
from tests.addresses import served
from tests.gate.test_admin import make_staff

pytestmark = pytest.mark.database

VERBS = ["GET", "POST", "PUT"]
HOUR = 3600  # a slow machine is not what is tested
PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate"}
SCRIPT = {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}


def told(request):
    """Say who is let in, as whom the work would be done."""
    return JsonResponse({"in": request.user.username})


async def told_async(request):
    user = await request.auser()
    return JsonResponse({"in": user.username})


def recognised(request):
    """Return the user of the token that a request has, after telling the gate; or None."""
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


#: What the `when` of a gate does.
CONDITIONS = {"never": lambda: False, "always": lambda: True, "fails": lambda: 1 / 0}


def doors_for(case):
    """Return a gated view of each kind, by its address, all of them with the same gate."""

    def condition(*args, **kwargs):
        return CONDITIONS[case.when]()

    when = condition if case.when else None
    limits = {"accept": case.accept, "network": case.network}
    gate = {"action": "doors", "methods": case.methods, "max_age": HOUR, "when": when, **limits}

    class Mixed(FaceRequiredMixin, View):
        face_action, face_methods, face_max_age = "doors", case.methods, HOUR
        face_when, face_accept, face_network = when, case.accept, case.network

        def get(self, request):
            return told(request)

        post = put = get

    class Endpoint(APIView):
        authentication_classes = [Authentication, SessionAuthentication]
        permission_classes = [IsAuthenticated, require_face(**gate)]

        def get(self, request):
            return told(request)

        post = put = get

    doors = {
        "function": with_token(face_required(**gate)(told)),
        "class": with_token(Mixed.as_view()),
        "async": with_token(async_to_sync(face_required(**gate)(told_async))),
        "api": Endpoint.as_view(),
    }
    if case.methods is None:

        class Site(FaceRequiredAdminSite):
            face_action, face_max_age = "doors", HOUR
            face_when, face_accept, face_network = when, case.accept, case.network

            def index(self, request, extra_context=None):
                return told(request)

        site = Site(name="doors")
        doors["admin"] = lambda request: site.admin_view(site.index)(request)
    return [path(f"{name}/", view) for name, view in doors.items()] + operations(gate)


def operations(gate):
    """Return the address of an operation of django-ninja, where that is installed."""
    if not find_spec("ninja"):
        return []
    from ninja import NinjaAPI

    api = NinjaAPI(auth=lambda request: recognised(request) or session_user(request))
    operation = face_required(**gate)(lambda request: told(request))
    api.api_operation(VERBS, "/")(operation)
    return [path("ninja/", api.urls)]


def session_user(request):
    return request.user if request.user.is_authenticated else None


@dataclass(frozen=True)
class Case:
    """A request: a session and a token, of a user who may have shown a face for it.

    `method` is what they did in place of that, and `is_same_network` where they did it.
    """

    verb: str = "GET"
    headers: tuple = tuple(PAGE.items())
    methods: tuple | None = None
    session: str = ""
    token: str = ""
    names: str = ""
    when: str = ""
    accept: tuple | None = None
    network: str | None = None
    method: str = "face"
    is_same_network: bool | None = None

    def expected(self, door):
        """Return what has to come of it at a door, in other words than the gate's own."""
        takes_tokens = door not in {"admin"}
        who = (takes_tokens and self.token) or self.session
        by_token = takes_tokens and bool(self.token)
        if not who and (door in {"api", "ninja", "admin"} or self.is_covered):
            return "login"
        if not self.is_covered or self.when == "never":
            return f"in as {who}"
        is_fresh = self.names == self.token == "fresh" if by_token else self.session == "fresh"
        if is_fresh and self.is_accepted:
            return f"in as {who}"
        is_page = self.verb != "PUT" and dict(self.headers) == PAGE
        is_told = by_token or door == "api" or not is_page
        return "told" if is_told else "sent"

    @property
    def is_covered(self):
        return self.methods is None or self.verb != "GET"

    @property
    def is_accepted(self):
        if self.method == "face":
            return self.network != "deny" or self.is_same_network is True
        return self.accept != ("face",)


CASES = st.builds(
    Case,
    verb=st.sampled_from(VERBS),
    headers=st.sampled_from([tuple(PAGE.items()), tuple(SCRIPT.items())]),
    methods=st.sampled_from([None, ("POST",)]),
    session=st.sampled_from(["", "fresh", "stale"]),
    token=st.sampled_from(["", "", "fresh", "stale"]),
    names=st.sampled_from(["", "fresh", "stale"]),
    when=st.sampled_from(["", "", *CONDITIONS]),
    accept=st.sampled_from([None, ("face",), ("face", "code")]),
    network=st.sampled_from([None, "ignore", "flag", "deny"]),
    method=st.sampled_from(["face", "code"]),
    is_same_network=st.sampled_from([True, False, None]),
)


def outcome(response):
    """Return what came of a request, in the words of the oracle."""
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
    """Two people with sessions and tokens: one has shown a face for both, one has not."""
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
@example(Case(when="never"))
@example(Case(session="stale", when="never"))
@example(Case(session="fresh", token="stale", when="never"))
@example(Case(session="stale", when="fails"))
@example(Case(session="fresh", accept=("face",), method="code"))
@example(Case(session="fresh", accept=("face", "code"), method="code"))
@example(Case(session="fresh", network="deny", is_same_network=False))
@example(Case(session="fresh", network="deny", is_same_network=True))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_door_does_what_the_oracle_says(scene, case):
    """G-13: the user who is judged is the user as whom the view works (F-01, F-04, F-28, F-81)."""
    browsers, handles = scene
    headers = dict(case.headers)
    if case.token:
        headers["x-token"] = case.token
    if case.names:
        headers["face-challenge"] = handles[case.names]
    FaceChallenge.objects.update(method=case.method, is_same_network=case.is_same_network)
    patterns = doors_for(case)
    with served(*patterns, path("desk/", admin.site.urls)):  # where the admin asks who it is
        names = [str(pattern.pattern).strip("/") for pattern in patterns]
        answers = {
            name: outcome(browsers[case.session].generic(case.verb, f"/{name}/", headers=headers))
            for name in names
        }

    assert answers == {name: case.expected(name) for name in names}


def test_there_is_a_door_of_each_kind():
    names = {str(pattern.pattern).strip("/") for pattern in doors_for(Case())}

    assert {"function", "class", "async", "api", "admin"} <= names
    assert ("ninja" in names) == bool(find_spec("ninja"))
