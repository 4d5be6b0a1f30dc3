"""Mistakes that leave a page open are found at start, or refused (F-05, F-82)."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_safe
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_faceauth.api.permissions import require_face
from django_faceauth.checks import TAG
from django_faceauth.gate import face_required
from django_faceauth.gate.admin import FaceRequiredModelAdmin
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import assert_closed, face_shown
from tests.addresses import served
from tests.gate import mistaken
from tests.site.models import Payment
from tests.test_checks import addresses

MISUSE = {"faceauth.E026", "faceauth.W007", "faceauth.W028"}


def found(*patterns):
    with addresses(*patterns):
        return [one for one in run_checks(tags=[TAG]) if one.id in MISUSE]


@pytest.mark.parametrize("name", mistaken.URLS)
def test_a_view_of_django(name):
    """Each mistake has its finding, and what is right has none (F-05, F-82)."""
    view, expected = mistaken.URLS[name]

    messages = found(path(f"{name}/", view))

    assert [one.id.removeprefix("faceauth.") for one in messages] == ([expected] * bool(expected))
    assert all(f"/{name}/" in one.msg for one in messages)


# -- Django REST framework


class Gated(ViewSet):
    permission_classes = [IsAuthenticated, require_face()]

    def list(self, request): ...

    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def open(self, request): ...

    @action(detail=False, permission_classes=[IsAuthenticated])
    def look(self, request): ...

    @action(detail=False, methods=["post"], permission_classes=[require_face(action="other")])
    def other(self, request): ...

    @action(detail=False, methods=["post"])
    def kept(self, request): ...


def test_actions_with_permissions_of_their_own():
    """(F-05)."""
    router = SimpleRouter()
    router.register("gated", Gated, basename="gated")

    messages = {one.id: one.msg for one in found(path("", include(router.urls)))}

    assert set(messages) == {"faceauth.E026", "faceauth.W007"}
    assert "gated/open" in messages["faceauth.E026"]
    assert "gated/look" in messages["faceauth.W007"]


class Api(APIView):
    permission_classes = [require_face()]

    def post(self, request): ...


class ApiInitial(Api):
    def initial(self, request, *args, **kwargs): ...


class ApiInitialHandsOn(Api):
    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)


class ApiDispatch(Api):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


@pytest.mark.parametrize(
    ("view", "expected"),
    [(Api, ""), (ApiInitial, "E026"), (ApiInitialHandsOn, ""), (ApiDispatch, "W028")],
)
def test_what_runs_in_front_of_permissions(view, expected):
    """(F-05)."""
    ids = [one.id for one in found(path("api/", view.as_view()))]

    assert ids == ([f"faceauth.{expected}"] if expected else [])


@pytest.mark.parametrize("other", [AllowAny, IsAuthenticated])
def test_a_combination_that_asks_no_user_is_refused_where_it_is_written(other):
    """(F-05)."""
    gate = require_face()

    with pytest.raises(TypeError, match=other.__name__):
        other | gate
    with pytest.raises(TypeError, match=other.__name__):
        gate | other
    assert gate | IsAdminUser
    assert IsAuthenticated & gate


@pytest.mark.parametrize(
    ("permission", "is_open"),
    [
        ((require_face() & IsAdminUser) | IsAuthenticated, True),
        ((IsAuthenticated | IsAdminUser) | require_face(), True),
        (~(require_face() & IsAuthenticated), True),
        (~require_face(), True),
        ((IsAuthenticated & IsAdminUser) | require_face(), False),
        (require_face() | IsAdminUser, False),
        (IsAuthenticated & (require_face() | IsAdminUser), False),
    ],
)
def test_a_combination_that_asks_no_user(permission, is_open):
    """(F-05)."""
    view = type("View", (Api,), {"permission_classes": [permission]})

    assert [one.id for one in found(path("api/", view.as_view()))] == ["faceauth.E026"] * is_open


@pytest.mark.database
def test_a_gate_of_single_use_that_is_asked_by_hand(person):
    """Its face would not be used up, so that the answer is an error (F-05)."""

    class ByHand(APIView):
        authentication_classes = [SessionAuthentication]

        def post(self, request):
            is_in = require_face(action="hand", single_use=True)().has_permission(request, self)
            return Response("in" if is_in else "out", status=200 if is_in else 403)

    request = APIRequestFactory().post("/")
    request.session = person.browser.session
    request.user = person.user
    assert ByHand.as_view()(request).status_code == 403
    face_shown(request, action="hand")

    with pytest.raises(RuntimeError, match="permission_classes"):
        ByHand.as_view()(request)


# -- the admin, and classes


class GatedDesk(FaceRequiredModelAdmin): ...


class Inline(admin.TabularInline):
    model = Payment


def test_an_inline_of_a_gated_model():
    """(F-05)."""
    site = admin.AdminSite(name="inlines")
    site.register(Payment, GatedDesk)
    site.register(FaceChallenge, type("Desk", (admin.ModelAdmin,), {"inlines": [Inline]}))
    gated = admin.AdminSite(name="gated")
    gated.register(FaceChallenge, type("Desk", (GatedDesk,), {"inlines": [Inline]}))

    messages = found(path("inlines/", site.urls), path("gated/", gated.urls))

    assert [one.id for one in messages] == ["faceauth.W007"]
    assert "/inlines/faceauth/facechallenge/" in messages[0].msg


@pytest.mark.parametrize("kind", [mistaken.Page, GatedDesk, Gated])
def test_a_class_is_refused(kind):
    """As above `@admin.register(…) class …` (F-82)."""
    with pytest.raises(TypeError):
        face_required(kind)


# -- what only a request shows


@pytest.mark.database
def test_an_open_operation_is_found_by_asking_it(person):
    """(F-82)."""
    with served(*mistaken.urlpatterns, path("nothing/", require_safe(answers_nothing))):
        for name in ("above", "own-dispatch-answers", "child-of-handler"):
            with pytest.raises(AssertionError, match=f"/{name}/ does not ask for a face by:"):
                assert_closed(person.browser, f"/{name}/")
        for name in ("below", "after-login", "before-answer"):
            assert_closed(person.browser, f"/{name}/")
        with pytest.raises(AssertionError, match="answers none of POST"):
            assert_closed(person.browser, "/nothing/", methods=["post"])


@pytest.mark.database
def test_an_operation_of_django_ninja(person, monkeypatch):
    """The gate above `@api.get` is found at start, and by a request (F-82)."""
    ninja = pytest.importorskip("ninja")
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "1")
    api = ninja.NinjaAPI()

    def above(request):
        return {"done": True}

    def below(request):
        return {"done": True}

    mistaken.ninja_above = face_required(api.get("/above")(above))
    above.__module__, above.__qualname__ = mistaken.__name__, "ninja_above"
    api.get("/below")(face_required(below))

    messages = found(path("api/", api.urls))
    with served(path("api/", api.urls)):
        assert_closed(person.browser, "/api/below")
        with pytest.raises(AssertionError, match="GET: 200"):
            assert_closed(person.browser, "/api/above")

    assert [(one.id, "/api/above" in one.msg) for one in messages] == [("faceauth.E026", True)]
    del mistaken.ninja_above


def answers_nothing(request):
    return HttpResponse(status=405)
