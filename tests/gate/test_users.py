"""Views work for the user that the gate decided for (F-01), who is not impersonated (B-04)."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import alogin, alogout, login, logout
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import AsyncClient, override_settings
from django.test.utils import isolate_apps
from django.urls import path
from django.utils.functional import SimpleLazyObject
from django.views import View

from django_faceauth.exceptions import UserChanged
from django_faceauth.gate import FaceRequiredMixin, face_required, freshness
from django_faceauth.messages import NOT_DONE
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity
from django_faceauth.testing import exempted
from tests.site.models import Customer
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
    """Let a user with a fresh face pass to some work."""
    person.passes()

    @face_required
    def view(request):
        return HttpResponse(work(request) or request.user.get_username())

    with addresses(path("work/", view)):
        return person.browser.get("/work/")


def assigns(request, user):
    request.user = user
    raise AssertionError("the work goes on")


def logs_out_and_assigns(request, user):
    logout(request)
    assert request.user.is_anonymous
    request.user = user


@pytest.mark.parametrize(
    "work",
    [
        assigns,
        lambda request, user: assigns(request, SimpleLazyObject(lambda: user)),
        logs_out_and_assigns,
    ],
)
def test_a_view_cannot_assign_another_user(person, other, work):
    with pytest.raises(UserChanged):
        answered(person, lambda request: work(request, other))


def test_a_view_cannot_log_in_another_user(person, other):
    """The response is a 500, with which Django saves no session (F-01)."""
    person.browser.raise_request_exception = False

    response = answered(person, lambda request: login(request, other, BACKEND))

    assert response.status_code == 500
    assert person.browser.get("/home/").status_code == 302


def test_the_same_user_may_be_logged_in_again_or_out(person):
    """Read from the database again, by a proxy or a child of the user model (F-01)."""

    def work(request):
        login(request, User.objects.get(pk=request.user.pk), BACKEND)
        request.user = Proxy.objects.get(pk=request.user.pk)
        request.user = Customer(account=person.user, id=person.user.pk, number=7**9)
        logout(request)
        return str(request.user)

    assert answered(person, work).content == b"AnonymousUser"


def test_a_child_of_another_user_is_not_the_same_user(person, other):
    """Not even if its own key is that of the user (F-01)."""
    child = Customer(account=other, id=other.pk, number=person.user.pk)

    with pytest.raises(UserChanged):
        answered(person, lambda request: assigns(request, child))


def test_bind_cannot_change_the_user(person, other):
    def bind(request):
        request.user = other
        return {"amount": 1}

    view = face_required(bind=bind)(lambda request: HttpResponse("done"))
    with addresses(path("work/", view)), pytest.raises(UserChanged):
        person.browser.get("/work/")


def test_a_class_keeps_the_same_user(person, other):
    """The request stays a WSGIRequest (F-01)."""
    person.passes()

    class Work(FaceRequiredMixin, View):
        def get(self, request):
            assert isinstance(request, WSGIRequest)
            self.request.user = other

    with addresses(path("work/", Work.as_view())), pytest.raises(UserChanged):
        person.browser.get("/work/")


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
    """`request.auser()` is the user of the gate, also after a middleware (F-01)."""

    async def work(request):
        request._acached_user = other
        return (await request.auser()).get_username()

    assert answered_async(person, work) == person.user.get_username()


@pytest.mark.parametrize("name", ["user", "auser", "login"])
def test_an_async_view_cannot_change_it(person, other, name):
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
    async def work(request):
        await alogin(request, await sync_to_async(User.objects.get)(pk=person.user.pk), BACKEND)
        await alogout(request)
        return str((await request.auser()).is_anonymous)

    assert answered_async(person, work) == "True"


# -- staff who impersonate a user cannot use the user's face (B-04, TH-44)

GATE = "/statements/"

#: What each tool stores in the session while it is active.
SESSIONS = [
    {"hijack_history": ["1"]},  # django-hijack
    {"loginas_from_user": "1:signature"},  # django-loginas
    {"_impersonate": "1"},  # django-impersonate
    {"exit_users_pk": [("1", "django.contrib.auth.backends.ModelBackend")]},  # django-su
    {"django_disguise:original_user": "1"},  # django-disguise
]


def test_every_known_key_is_tried_here():
    assert {key for marks in SESSIONS for key in marks} == set(identity.IMPERSONATION_KEYS)


@pytest.mark.parametrize("marks", SESSIONS, ids=lambda marks: next(iter(marks)))
def test_a_grant_and_an_exemption_do_not_count(people, marks):
    """No challenge is made, and the page is the same for all users (B-04, TH-44)."""
    person, exempt, stranger = people(), people(), people(None)
    person.passes(GATE)
    challenge = person.challenge
    exempted(exempt.user)

    for client in (person, exempt, stranger):
        client.marks(**marks)
        for url in (GATE, "/async/", "/documents/", "/once/"):
            refused = client.browser.get(url)
            assert refused.status_code == 403
            assert refused.context["wording"] == NOT_DONE["impersonated"]
    assert (
        FaceChallenge.objects.get(user__in=[person.user, exempt.user, stranger.user]) == challenge
    )


@pytest.mark.parametrize(
    "setting",
    [
        {"FACEAUTH_IMPERSONATION_KEYS": ["other", "acts"]},
        {"FACEAUTH_IMPERSONATION_KEYS": lambda: ["acts"]},
        {"LOGINAS_FROM_USER_SESSION_FLAG": "acts"},
    ],
    ids=["listed", "called", "loginas"],
)
def test_a_site_can_name_keys_of_other_tools(person, setting):
    """Grants and exemptions count again once the key has gone (F-07)."""
    exempted(person.user)
    person.marks(acts="1")
    assert person.browser.get(GATE).status_code == 200

    with override_settings(**setting):
        assert person.browser.get(GATE).status_code == 403
        person.marks(acts="")
        assert person.browser.get(GATE).status_code == 200


@pytest.mark.parametrize("mark", identity.IMPERSONATION_MARKS)
def test_marks_on_the_user_count_too(person, mark):
    """Middleware of these tools sets them (TH-44)."""
    person.passes(GATE)
    request = person.request(GATE)
    assert freshness(request) is not None

    setattr(person.user, mark, True)

    assert freshness(request) is None
