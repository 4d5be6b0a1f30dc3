"""Mistakes that leave a page open are reported by checks, or refused (F-05, F-82)."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.checks import run_checks
from django.http import HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_safe
from django.views.generic import DeleteView, FormView
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
from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.gate.admin import FaceRequiredModelAdmin
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import assert_closed, face_shown
from tests.addresses import served
from tests.site.models import Payment
from tests.test_checks import addresses


def done(request):
    return HttpResponse("done")


class Page(View):
    def get(self, request):
        return done(request)

    post = get


class Answers(View):
    def dispatch(self, request, *args, **kwargs):
        return done(request)


class AfterAnswer(Answers, FaceRequiredMixin): ...


class OwnDispatch(FaceRequiredMixin, Page):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


class OwnDispatchAnswers(FaceRequiredMixin, Page):
    def dispatch(self, request, *args, **kwargs):
        return done(request)


class OwnSetup(FaceRequiredMixin, Page):
    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)


class BeforeAnswer(FaceRequiredMixin, Answers): ...


class AfterLogin(LoginRequiredMixin, FaceRequiredMixin, Page): ...


@method_decorator(face_required, name="dispatch")
class Decorated(Page): ...


class ChildOfDispatch(Decorated):
    def dispatch(self, request, *args, **kwargs):
        return done(request)


class DecoratedHandler(View):
    @method_decorator(face_required)
    def post(self, request):
        return done(request)


class ChildOfHandler(DecoratedHandler):
    def post(self, request):
        return done(request)


class ChildOfHandlerCallsSuper(DecoratedHandler):
    def post(self, request):
        return super().post(request)


class ChildOfHandlerGated(DecoratedHandler):
    @method_decorator(face_required)
    def post(self, request):
        return done(request)


class ChildAbove(Decorated):
    def post(self, request):
        return done(request)


@method_decorator(face_required, name="post")
class Half(View):
    def post(self, request): ...

    delete = post


@method_decorator(face_required, name="get")
class HalfForReading(Page): ...


@method_decorator(face_required, name="post")
class Removes(DeleteView): ...


@method_decorator(face_required, name="post")
class Form(FormView): ...


registered = []


def register(view):
    registered.append(view)
    return view


@face_required
@register
def above(request):
    return done(request)


@register
@face_required
def below(request):
    return done(request)


URLS = {
    "after-answer": (AfterAnswer.as_view(), "E026"),
    "own-dispatch": (OwnDispatch.as_view(), "W028"),
    "own-dispatch-answers": (OwnDispatchAnswers.as_view(), "E026"),
    "own-setup": (OwnSetup.as_view(), "W028"),
    "before-answer": (BeforeAnswer.as_view(), ""),
    "after-login": (AfterLogin.as_view(), ""),
    "decorated": (Decorated.as_view(), ""),
    "around": (face_required(OwnDispatchAnswers.as_view()), ""),
    "child-of-dispatch": (ChildOfDispatch.as_view(), "E026"),
    "child-of-handler": (ChildOfHandler.as_view(), "E026"),
    "child-of-handler-calls-super": (ChildOfHandlerCallsSuper.as_view(), "W028"),
    "child-of-handler-gated": (ChildOfHandlerGated.as_view(), ""),
    "child-above": (ChildAbove.as_view(), ""),
    "half": (Half.as_view(), "E026"),
    "half-for-reading": (HalfForReading.as_view(), "W007"),
    "removes": (Removes.as_view(), "E026"),
    "form": (Form.as_view(), ""),
    "above": (registered[0], "E026"),
    "below": (registered[1], ""),
}

MISUSE = {"faceauth.E026", "faceauth.W007", "faceauth.W028"}


def messages_of(*patterns):
    with addresses(*patterns):
        return [message for message in run_checks(tags=[TAG]) if message.id in MISUSE]


@pytest.mark.parametrize("name", URLS)
def test_a_view_of_django_has_the_finding_of_its_mistake(name):
    view, expected = URLS[name]

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
    ids = [message.id for message in messages_of(path("api/", view.as_view()))]

    assert ids == ([f"faceauth.{expected}"] if expected else [])


@pytest.mark.parametrize("other", [AllowAny, IsAuthenticated])
def test_an_alternative_that_opens_the_gate_is_an_error_where_it_is_defined(other):
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
    site = admin.AdminSite(name="inlines")
    site.register(Payment, GatedDesk)
    site.register(FaceChallenge, type("Desk", (admin.ModelAdmin,), {"inlines": [Inline]}))
    gated = admin.AdminSite(name="gated")
    gated.register(FaceChallenge, type("Desk", (GatedDesk,), {"inlines": [Inline]}))

    messages = messages_of(path("inlines/", site.urls), path("gated/", gated.urls))

    assert [message.id for message in messages] == ["faceauth.W007"]
    assert "/inlines/faceauth/facechallenge/" in messages[0].msg


@pytest.mark.parametrize("kind", [Page, GatedDesk, Gated])
def test_a_class_is_refused(kind):
    with pytest.raises(TypeError):
        face_required(kind)


# -- by requests


@pytest.mark.database
def test_an_open_view_is_found_by_a_request(person):
    patterns = [path(f"{name}/", view) for name, (view, _id) in URLS.items()]
    with served(*patterns, path("nothing/", require_safe(answers_nothing))):
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

    # As if it were written at the top of this module.
    monkeypatch.setitem(globals(), "ninja_above", face_required(api.get("/above")(above)))
    above.__qualname__ = "ninja_above"
    api.get("/below")(face_required(below))

    messages = messages_of(path("api/", api.urls))
    with served(path("api/", api.urls)):
        assert_closed(person.browser, "/api/below")
        with pytest.raises(AssertionError, match="GET: 200"):
            assert_closed(person.browser, "/api/above")

    assert [(message.id, "/api/above" in message.msg) for message in messages] == [
        ("faceauth.E026", True)
    ]


def answers_nothing(request):
    return HttpResponse(status=405)
