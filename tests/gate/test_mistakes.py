"""Mistakes that leave a page open are reported by checks, or refused (F-05, F-82)."""

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


def messages_of(*patterns):
    with addresses(*patterns):
        return [message for message in run_checks(tags=[TAG]) if message.id in MISUSE]


@pytest.mark.parametrize("name", mistaken.URLS)
def test_a_view_of_django_has_the_finding_of_its_mistake(name):
    """F-05, F-82."""
    view, expected = mistaken.URLS[name]

    messages = messages_of(path(f"{name}/", view))

    ids = [message.id.removeprefix("faceauth.") for message in messages]
    assert ids == [expected] * bool(expected)
    assert all(f"/{name}/" in message.msg for message in messages)


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
    """F-05."""
    router = SimpleRouter()
    router.register("gated", Gated, basename="gated")

    messages = {message.id: message.msg for message in messages_of(path("", include(router.urls)))}

    assert set(messages) == {"faceauth.E026", "faceauth.W007"}
    assert "gated/open" in messages["faceauth.E026"]
    assert "gated/look" in messages["faceauth.W007"]


class Api(APIView):
    permission_classes = [require_face()]

    def post(self, request): ...


class ApiInitial(Api):
    def initial(self, request, *args, **kwargs): ...


class ApiInitialCallsSuper(Api):
    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)


class ApiDispatch(Api):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


@pytest.mark.parametrize(
    ("view", "expected"),
    [(Api, ""), (ApiInitial, "E026"), (ApiInitialCallsSuper, ""), (ApiDispatch, "W028")],
)
def test_code_that_runs_before_the_permissions(view, expected):
    """F-05."""
    ids = [message.id for message in messages_of(path("api/", view.as_view()))]

    assert ids == ([f"faceauth.{expected}"] if expected else [])


@pytest.mark.parametrize("other", [AllowAny, IsAuthenticated])
def test_an_alternative_that_opens_the_gate_is_an_error_where_it_is_defined(other):
    """F-05."""
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
def test_a_combination_of_permissions_that_opens_the_gate(permission, is_open):
    """F-05."""
    view = type("View", (Api,), {"permission_classes": [permission]})

    assert [message.id for message in messages_of(path("api/", view.as_view()))] == [
        "faceauth.E026"
    ] * is_open


@pytest.mark.database
def test_a_single_use_gate_cannot_be_called_by_hand(person):
    """Its grant would not be used up (F-05)."""

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
    """F-05."""
    site = admin.AdminSite(name="inlines")
    site.register(Payment, GatedDesk)
    site.register(FaceChallenge, type("Desk", (admin.ModelAdmin,), {"inlines": [Inline]}))
    gated = admin.AdminSite(name="gated")
    gated.register(FaceChallenge, type("Desk", (GatedDesk,), {"inlines": [Inline]}))

    messages = messages_of(path("inlines/", site.urls), path("gated/", gated.urls))

    assert [message.id for message in messages] == ["faceauth.W007"]
    assert "/inlines/faceauth/facechallenge/" in messages[0].msg


@pytest.mark.parametrize("kind", [mistaken.Page, GatedDesk, Gated])
def test_a_class_is_refused(kind):
    """F-82."""
    with pytest.raises(TypeError):
        face_required(kind)


# -- by requests


@pytest.mark.database
def test_an_open_view_is_found_by_a_request(person):
    """F-82."""
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
    """The gate above `@api.get` is found by a check, and by a request (F-82)."""
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

    messages = messages_of(path("api/", api.urls))
    with served(path("api/", api.urls)):
        assert_closed(person.browser, "/api/below")
        with pytest.raises(AssertionError, match="GET: 200"):
            assert_closed(person.browser, "/api/above")

    assert [(message.id, "/api/above" in message.msg) for message in messages] == [
        ("faceauth.E026", True)
    ]
    del mistaken.ninja_above


def answers_nothing(request):
    return HttpResponse(status=405)
