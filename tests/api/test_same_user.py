"""The gate and a view of Django REST framework work for the same user (F-01)."""

from __future__ import annotations

from functools import partial

import pytest
from adrf.decorators import api_view as async_api_view
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from rest_framework.authentication import TokenAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from django_faceauth.api.permissions import require_face
from django_faceauth.exceptions import UserChanged
from django_faceauth.gate import FaceRequiredMixin, face_required
from tests.api_client import Program
from tests.site.api import Open, Secret
from tests.test_checks import addresses, where

pytestmark = pytest.mark.database


class Set(ViewSet):
    def list(self, request):
        return Response("open")


@api_view(["GET"])
def function(request):
    return Response("open")


@async_api_view(["GET"])
async def async_function(request):
    return Response("open")


WRITTEN = {
    "class": Open,
    "as_view": Open.as_view(),
    "view set": Set.as_view({"get": "list"}),
    "api_view": function,
    "async api_view": async_function,
    "below another decorator": never_cache(Open.as_view()),
    "below a partial": partial(never_cache(function), pk=1),
    "method": Open().get,
}


@pytest.mark.parametrize("view", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("gate", [face_required, face_required(action="secret", bind=dict)])
def test_the_decorator_is_refused_where_it_is_written(gate, view):
    with pytest.raises(TypeError, match="require_face"):
        gate(view)


@pytest.mark.parametrize("base", [Open, Set])
def test_the_mixin_is_refused_where_it_is_written(base):
    """In whatever order, and when it comes from a base of the site."""
    with pytest.raises(TypeError, match="require_face"):
        type("View", (FaceRequiredMixin, base), {})
    with pytest.raises(TypeError, match="require_face"):
        type("View", (base, FaceRequiredMixin), {})
    gated = type("Gated", (FaceRequiredMixin, View), {})
    with pytest.raises(TypeError, match="require_face"):
        type("View", (gated, base), {})


METHODS = {
    "dispatch": method_decorator(face_required, name="dispatch"),
    "get": method_decorator(face_required(action="secret"), name="get"),
    "among others": method_decorator([never_cache, face_required, never_cache], name="get"),
}


@pytest.mark.parametrize("decorator", METHODS.values(), ids=METHODS)
def test_a_decorated_method_is_reported_and_never_called(person, decorator):
    """Python does not tell `method_decorator` for which class it works; the check does."""
    view = decorator(type("View", (Open,), {"get": lambda *_args: pytest.fail("called")}))
    plain = decorator(type("Plain", (View,), {"get": Open.get}))

    with addresses(
        path("work/", view.as_view()),
        path("child/", type("Child", (view,), {}).as_view()),
        path("plain/", plain.as_view()),
        path("secret/", Secret.as_view()),
    ):
        assert where("E025") == {"/work/", "/child/"}
        with pytest.raises(TypeError, match="require_face"):
            person.browser.get("/work/")


def test_the_decorator_below_api_view_is_refused_when_it_is_called(person):
    """It would get a request of Django REST framework."""
    person.passes()
    view = api_view(["GET"])(face_required(lambda request: Response("open")))

    with addresses(path("work/", view)), pytest.raises(TypeError, match="require_face"):
        person.browser.get("/work/")


def test_a_token_that_the_gate_cannot_see_must_be_that_of_the_same_user(person, people):
    """The session of a user with a fresh face, the token of another."""
    person.passes()
    done = []

    @api_view(["GET"])
    @authentication_classes([TokenAuthentication])
    def work(request):
        done.append(request.user)
        return Response("done")

    with addresses(path("work/", face_required(lambda request: work(request)))):
        with pytest.raises(UserChanged):
            person.browser.get("/work/", headers=Program.with_token(people()).headers)
        assert done == []
        response = person.browser.get("/work/", headers=Program.with_token(person).headers)

    assert (response.status_code, done) == (200, [person.user])


def test_a_permission_judges_the_user_of_the_token_and_keeps_it(person, people, monkeypatch):
    monkeypatch.setattr(Secret, "authentication_classes", [TokenAuthentication])
    holder = Program.with_token(person)
    assert holder.passes("/shop/secret/", "GET").status_code == 200
    handle = person.challenge.handle
    holder.client = people().browser

    response = holder.sends("GET", "/shop/secret/", handle=handle)

    assert response.json()["secret"] == "secret"


def test_a_view_behind_the_permission_cannot_change_the_user(person, people):
    other = people().user
    done = []

    class Work(Secret):
        permission_classes = [IsAuthenticated, require_face()]

        def get(self, request):
            request.user = other
            done.append(request.user)

    person.passes()
    with addresses(path("work/", Work.as_view())), pytest.raises(UserChanged):
        person.browser.get("/work/")
    assert done == []
