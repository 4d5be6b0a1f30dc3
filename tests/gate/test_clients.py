"""Requests authenticated by a credential, outside Django REST framework (F-81)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.views import View

from django_faceauth.exceptions import UserChanged
from django_faceauth.gate import FaceRequiredMixin, face_required, recognise_client
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import face_shown
from tests.site import urls as site_urls

pytestmark = pytest.mark.database


def known(view):
    """Treat a header as a token, as a decorator of a site does."""

    def checked(request, *args, **kwargs):
        name, _dot, credential = request.headers["X-Token"].partition(".")
        user = User.objects.get(username=name)
        recognise_client(request, user, credential=credential, scheme="Token")
        return view(request, *args, **kwargs)

    return checked


def respond(request):
    return HttpResponse(f"for {request.user.username}")


class Page(FaceRequiredMixin, View):
    face_action = "told"

    def get(self, request):
        return respond(request)


@face_required(action="token")
def late(request):
    """Authenticate the user behind the gate."""
    return known(respond)(request)


GATE = face_required(action="token")
urlpatterns = [
    *site_urls.urlpatterns,
    path("token/", known(GATE(respond))),
    path("token/once/", known(face_required(action="token", single_use=True)(respond))),
    path("token/class/", known(Page.as_view())),
    path("token/late/", late),
    path("sync/", GATE(respond)),
]


@pytest.fixture(autouse=True)
def addresses():
    with override_settings(ROOT_URLCONF=__name__):
        yield


def asks(person, path="/token/", *, token="one", browser=None, **headers):
    name = f"{person.user.username}.{token}"
    return (browser or Client()).get(path, headers={"x-token": name, **headers})


@pytest.mark.parametrize("path", ["/token/", "/token/class/", "/token/once/"])
def test_a_client_is_asked_and_passes_with_its_challenge(person, path):
    """It gets 401, one challenge if it names it, and no session (F-81)."""
    refused = asks(person, path, accept="text/html")
    handle = refused.json()["challenge"]
    again = asks(person, path, **{"face-challenge": handle})

    assert refused.status_code == again.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Token error=")
    assert refused.json()["start_url"] is None
    assert again.json()["challenge"] == handle
    assert FaceChallenge.objects.count() == 1
    assert Session.objects.count() == 1  # that of the person's browser
    assert not refused.cookies

    face_shown(again)
    assert asks(person, path).status_code == 401
    assert asks(person, path, token="two", **{"face-challenge": handle}).status_code == 401
    opened = asks(person, path, **{"face-challenge": handle})
    assert opened.content == f"for {person.user.username}".encode()
    assert opened["Cache-Control"] == "no-store, private"
    assert "Face-Challenge" in opened["Vary"]
    assert not opened.cookies


@pytest.mark.parametrize("path", ["/token/", "/token/class/", "/token/once/"])
def test_the_user_of_the_credential_is_judged_and_not_that_of_the_session(people, path):
    """Also where the user of the session has shown a face (F-01, F-04, F-28, F-81)."""
    alice, bob = people(), people()
    for action in ("token", "told"):
        face_shown(alice.browser, action=action)

    refused = asks(bob, path, browser=alice.browser)
    face_shown(refused)
    opened = asks(
        bob, path, browser=alice.browser, **{"face-challenge": refused.json()["challenge"]}
    )

    assert refused.status_code == 401
    assert opened.content == f"for {bob.user.username}".encode()


def test_a_user_who_is_recognised_behind_the_gate_is_refused(people):
    """The gate has decided for the user of the session (F-81, F-01)."""
    alice, bob = people(), people()
    alice.passes("/sync/")

    with pytest.raises(UserChanged):
        asks(bob, "/token/late/", browser=alice.browser)


def test_arguments_of_recognise_client_are_checked(person):
    request = RequestFactory().get("/")

    with pytest.raises(ValueError, match="anonymous"):
        recognise_client(request, AnonymousUser(), credential="")
    with pytest.raises(TypeError, match="string"):
        recognise_client(request, person.user, credential=7)
