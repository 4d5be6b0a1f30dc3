"""Views that look as if they had a gate, each with the finding of `check` (F-05, F-82)."""

from __future__ import annotations

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.generic import DeleteView, FormView

from django_faceauth.gate import FaceRequiredMixin, face_required


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
urlpatterns = [path(f"{name}/", view) for name, (view, _id) in URLS.items()]
