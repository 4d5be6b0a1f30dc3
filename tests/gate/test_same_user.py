"""A view cannot work for another user than the one whom the gate has judged (F-01)."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import alogin, alogout, login, logout
from django.contrib.auth.models import AnonymousUser, User
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import AsyncClient
from django.test.utils import isolate_apps
from django.urls import path
from django.utils.functional import SimpleLazyObject
from django.views import View

from django_faceauth.exceptions import UserChanged
from django_faceauth.gate import FaceRequiredMixin, face_required
from tests.test_checks import addresses

pytestmark = pytest.mark.database

BACKEND = "django.contrib.auth.backends.ModelBackend"


with isolate_apps("django.contrib.auth"):

    class Proxy(User):
        class Meta:
            proxy = True
            app_label = "auth"


@pytest.fixture
def other(people):
    return people().user


def answered(person, work):
    """Let a person with a fresh face through a gate to some work."""
    person.passes()

    @face_required
    def view(request):
        return HttpResponse(work(request) or request.user.get_username())

    with addresses(path("work/", view)):
        return person.browser.get("/work/")


@pytest.mark.parametrize("lazily", [False, True])
def test_another_user_is_refused_before_the_work(person, other, lazily):
    """(F-01) As it would be by whatever authenticates inside the view."""
    done = []

    def work(request):
        request.user = SimpleLazyObject(lambda: other) if lazily else other
        done.append(request.user)

    with pytest.raises(UserChanged):
        answered(person, work)
    assert done == []


def test_logging_in_another_user_is_refused_and_the_browser_is_not_that_user(person, other):
    """(F-01) The answer is a 500, with which Django saves no session."""
    person.browser.raise_request_exception = False

    response = answered(person, lambda request: login(request, other, BACKEND))

    assert response.status_code == 500
    assert person.browser.get("/home/").status_code == 302


def test_the_same_user_may_be_logged_in_again(person):
    """(F-01) Read from the database once more, or by a proxy of the user model."""

    def work(request):
        login(request, User.objects.get(pk=request.user.pk), BACKEND)
        request.user = Proxy.objects.get(pk=request.user.pk)

    assert answered(person, work).content.decode() == person.user.get_username()


def test_logging_out_in_the_view_still_works(person):
    """(F-01)"""

    def work(request):
        logout(request)
        return str(request.user.is_anonymous)

    assert answered(person, work).content == b"True"


def test_the_user_cannot_change_after_logging_out(person, other):
    """(F-01)"""

    def work(request):
        request.user = AnonymousUser()
        request.user = other

    with pytest.raises(UserChanged):
        answered(person, work)


def test_what_is_being_approved_cannot_change_the_user(person, other):
    """(F-01) `bind` is the site's own code, and is called while the gate decides."""

    def bind(request):
        request.user = other
        return {"amount": 1}

    view = face_required(bind=bind)(lambda request: HttpResponse("done"))
    with addresses(path("work/", view)), pytest.raises(UserChanged):
        person.browser.get("/work/")


def test_two_gates_keep_the_same_user(person, other):
    """(F-01)"""
    person.passes()

    @face_required
    @face_required(max_age=200)
    def view(request):
        request.user = other

    with addresses(path("work/", view)), pytest.raises(UserChanged):
        person.browser.get("/work/")


def test_a_class_based_view_and_its_request_are_what_they_were(person, other):
    """(F-01)"""
    person.passes()
    seen = []

    class Work(FaceRequiredMixin, View):
        def get(self, request):
            seen.append(isinstance(request, WSGIRequest))
            self.request.user = other

    with addresses(path("work/", Work.as_view())), pytest.raises(UserChanged):
        person.browser.get("/work/")
    assert seen == [True]


def answered_async(person, work):
    person.passes()
    browser = AsyncClient()
    browser.cookies = person.browser.cookies

    @face_required
    async def view(request):
        return HttpResponse(await work(request))

    with addresses(path("work/", view)):
        return async_to_sync(browser.get)("/work/").content.decode()


def test_an_async_view_has_one_user(person, other):
    """(F-01) `request.auser()` is the user whom the gate has judged, also after a middleware."""

    async def work(request):
        request._acached_user = other
        return (await request.auser()).get_username()

    assert answered_async(person, work) == person.user.get_username()


@pytest.mark.parametrize("name", ["user", "auser", "login"])
def test_an_async_view_cannot_change_it(person, other, name):
    """(F-01)"""

    async def auser():
        return other

    async def work(request):
        if name == "login":
            await alogin(request, other, BACKEND)
        else:
            setattr(request, name, other if name == "user" else auser)
        return (await request.auser()).get_username()

    with pytest.raises(UserChanged):
        answered_async(person, work)


def test_an_async_view_may_log_out_and_the_same_user_in(person):
    """(F-01)"""

    async def work(request):
        await alogin(request, await sync_to_async(User.objects.get)(pk=person.user.pk), BACKEND)
        await alogout(request)
        return str((await request.auser()).is_anonymous)

    assert answered_async(person, work) == "True"
