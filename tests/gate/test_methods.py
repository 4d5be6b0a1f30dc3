"""Gates for some methods guard every method that may do the work (F-04)."""

from __future__ import annotations

import pytest
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_faceauth.gate import FaceRequiredMixin, face_required
from tests.addresses import served

pytestmark = pytest.mark.database

DONE = b"done"
ADD = "/admin/shop/payment/add/"
VERBS = ["HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "CONNECT", "NO"]


def work(request):
    return HttpResponse("form" if request.method == "GET" else DONE, headers={"X-Verb": "seen"})


async def work_async(request):
    return work(request)


FOR_POST = face_required(action="verbs", methods=["POST"])
FOR_GET = face_required(action="verbs", methods=["GET"])


class Plain(View):
    def get(self, request):
        return HttpResponse("form")

    def post(self, request):
        return HttpResponse(DONE)


class Mixed(LoginRequiredMixin, FaceRequiredMixin, Plain):
    face_action, face_methods = "verbs", ["POST"]


class MixedAsync(FaceRequiredMixin, View):
    face_action, face_methods = "verbs", ["POST"]

    async def get(self, request):
        return HttpResponse("form")

    async def post(self, request):
        return HttpResponse(DONE)


@method_decorator(FOR_POST, name="dispatch")
class OnDispatch(Plain): ...


class Answering(View):
    def dispatch(self, request, *args, **kwargs):
        return work(request)


class Handled(Plain):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


class MixedAnswering(FaceRequiredMixin, Answering):
    face_action, face_methods = "verbs", ["POST"]


def mixed_with(*names):
    """Return a gated view with handlers of its own that do the work."""
    handlers = dict.fromkeys(names, lambda self, request, *args, **kwargs: work(request))
    return type("Own", (Mixed,), handlers).as_view()


UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
#: Views, and the methods that stay open.
VIEWS = {
    "function": (FOR_POST(work), {"GET"}),
    "async-function": (FOR_POST(work_async), {"GET"}),
    "mixin": (Mixed.as_view(), {"GET", "HEAD", "OPTIONS"}),
    "async-mixin": (MixedAsync.as_view(), {"GET", "HEAD", "OPTIONS"}),
    "around": (FOR_POST(Plain.as_view()), {"GET", "HEAD", "OPTIONS"}),
    "on-dispatch": (OnDispatch.as_view(), {"GET", "HEAD", "OPTIONS"}),
    # HEAD is handled by POST, which does not find GET.
    "one-handler": (mixed_with("get", "post"), {"GET", "OPTIONS"}),
    "own-head": (mixed_with("head"), {"GET", "OPTIONS"}),
    "own-options": (mixed_with("options"), {"GET", "HEAD"}),
    "own-refusal": (mixed_with("http_method_not_allowed"), {"GET", "HEAD", "OPTIONS"}),
    "own-dispatch": (MixedAnswering.as_view(), {"GET"}),
    "own-dispatch-of-handlers": (FOR_POST(Handled.as_view()), {"GET"}),
    "for-get": (FOR_GET(work), UNSAFE),
    "for-get-class": (FOR_GET(Plain.as_view()), UNSAFE | {"OPTIONS"}),
}


def is_asked(response):
    where = response.headers.get("Location", "") + response.content.decode()
    return response.status_code in {302, 401} and "/face/start/" in where


@pytest.mark.parametrize("name", VIEWS)
def test_every_method_that_may_do_the_work_is_gated(person, name):
    view, is_open = VIEWS[name]

    with served(path("view/", csrf_exempt(view))):
        answers = {verb: person.browser.generic(verb, "/view/") for verb in ["GET", *VERBS]}

    assert {verb for verb, answer in answers.items() if not is_asked(answer)} == is_open
    assert not any("X-Verb" in answers[verb] for verb in set(VERBS) - is_open)


def test_the_admin_is_gated_for_every_method_but_get(client, admin_user):
    client.force_login(admin_user)

    statuses = {verb: client.generic(verb, ADD).status_code for verb in ["GET", *VERBS]}

    assert statuses.pop("GET") == 200
    assert set(statuses.values()) == {403}  # not enrolled
