"""Gates for some methods guard every method that may do the work (F-04)."""

from __future__ import annotations

import pytest
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView

from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.gate.view_methods import answered_by_framework
from tests.site import urls as site_urls

pytestmark = pytest.mark.database

DONE = b"done"
ADD = "/admin/shop/payment/add/"
VERBS = ["HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "CONNECT", "NO"]


def work(request):
    """Show a form on GET, and do the work on every other method, as many views do."""
    return HttpResponse("form" if request.method == "GET" else DONE, headers={"X-Verb": "seen"})


async def work_async(request):
    return work(request)


FOR_POST = face_required(action="verbs", methods=["POST"])
FOR_GET = face_required(action="verbs", methods=["GET"])


class Handled(View):
    def get(self, request):
        return work(request)

    post = get

    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


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


class OneHandler(FaceRequiredMixin, Plain):
    """HEAD is handled by POST, which does not find GET."""

    face_action, face_methods = "verbs", ["POST"]

    def post(self, request):
        return work(request)

    get = post


class OwnHead(Mixed):
    def head(self, request):
        return work(request)


class OwnOptions(Mixed):
    def options(self, request):
        return work(request)


@method_decorator(FOR_POST, name="dispatch")
class OnDispatch(Plain): ...


class Answering(View):
    def dispatch(self, request, *args, **kwargs):
        return work(request)


class MixedAnswering(FaceRequiredMixin, Answering):
    face_action, face_methods = "verbs", ["POST"]


class OwnRefusal(Mixed):
    def http_method_not_allowed(self, request, *args, **kwargs):
        return work(request)


urlpatterns = [
    *site_urls.urlpatterns,
    path("function/", csrf_exempt(FOR_POST(work))),
    path("async/function/", csrf_exempt(FOR_POST(work_async))),
    path("for-get/", csrf_exempt(FOR_GET(work))),
    path("for-get/class/", csrf_exempt(FOR_GET(Plain.as_view()))),
    path("mixin/", Mixed.as_view()),
    path("mixin/async/", MixedAsync.as_view()),
    path("around/", FOR_POST(Plain.as_view())),
    path("on-dispatch/", OnDispatch.as_view()),
    path("one-handler/", OneHandler.as_view()),
    path("own-head/", OwnHead.as_view()),
    path("own-options/", OwnOptions.as_view()),
    path("own-dispatch/", MixedAnswering.as_view()),
    path("own-refusal/", OwnRefusal.as_view()),
]

#: The methods that stay open in addition to GET.
KINDS = {
    "/function/": set(),
    "/async/function/": set(),
    "/mixin/": {"HEAD", "OPTIONS"},
    "/mixin/async/": {"HEAD", "OPTIONS"},
    "/around/": {"HEAD", "OPTIONS"},
    "/on-dispatch/": {"HEAD", "OPTIONS"},
    "/one-handler/": {"OPTIONS"},
    "/own-head/": {"OPTIONS"},
    "/own-options/": {"HEAD"},
    "/own-dispatch/": set(),
    "/own-refusal/": {"HEAD", "OPTIONS"},
    "/for-get/": {"POST", "PUT", "PATCH", "DELETE"},
    "/for-get/class/": {"OPTIONS", "POST", "PUT", "PATCH", "DELETE"},
}


def is_asked(response):
    where = response.headers.get("Location", "") + response.content.decode()
    return response.status_code in {302, 401} and "/face/start/" in where


@pytest.fixture(autouse=True)
def urls():
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.mark.parametrize("url", KINDS)
def test_every_method_that_may_do_the_work_is_gated(person, url):
    """F-04."""
    is_open = KINDS[url] | (set() if "for-get" in url else {"GET"})

    answers = {verb: person.browser.generic(verb, url) for verb in ["GET", *VERBS]}

    assert {verb for verb, answer in answers.items() if not is_asked(answer)} == is_open
    assert not any("X-Verb" in answers[verb] for verb in set(VERBS) - is_open)


def test_a_dispatch_of_the_site_may_do_the_work():
    """F-04."""
    assert answered_by_framework(Handled.as_view()) == frozenset()
    assert answered_by_framework(FormView) == {"HEAD", "OPTIONS"}
    assert answered_by_framework(work) == frozenset()


def test_the_admin_is_gated_for_every_method_but_get(client, admin_user):
    """F-04."""
    client.force_login(admin_user)

    statuses = {verb: client.generic(verb, ADD).status_code for verb in ["GET", *VERBS]}

    assert statuses.pop("GET") == 200
    assert set(statuses.values()) == {403}  # not enrolled
