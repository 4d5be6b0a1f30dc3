"""A request that is known by a credential, outside Django REST framework (F-81)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.utils import timezone
from django.views import View

from django_faceauth.exceptions import UserChanged
from django_faceauth.gate import FaceRequiredMixin, face_required, recognise_client
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.grants import grants
from tests.site import urls as site_urls

pytestmark = pytest.mark.database


def known(view):
    """Take the name in a header for a token, as a decorator of a site does."""

    def checked(request, *args, **kwargs):
        name, _dot, credential = request.headers["X-Token"].partition(".")
        user = User.objects.get(username=name)
        recognise_client(request, user, credential=credential, scheme="Token")
        return view(request, *args, **kwargs)

    return checked


def told(request):
    return HttpResponse(f"for {request.user.username}")


class Told(FaceRequiredMixin, View):
    face_action = "told"

    def get(self, request):
        return told(request)


@face_required(action="told")
def late(request):
    """Finds its user behind the gate."""
    return known(told)(request)


GATE = face_required(action="told")
urlpatterns = [
    *site_urls.urlpatterns,
    path("token/", known(GATE(told))),
    path("token/once/", known(face_required(action="told", single_use=True)(told))),
    path("token/class/", known(Told.as_view())),
    path("token/late/", late),
    path("sync/", GATE(told)),
]


@pytest.fixture(autouse=True)
def addresses():
    with override_settings(ROOT_URLCONF=__name__):
        yield


def asks(person, path="/token/", *, token="one", browser=None, **headers):
    name = f"{person.user.username}.{token}"
    return (browser or Client()).get(path, headers={"x-token": name, **headers})


def shows(person, handle):
    """Have the face shown, as the simulator and the provider would."""
    now = timezone.now()
    shown = FaceAuthentication.objects.create(
        user=person.user,
        applicant_id=person.user.face_applicant.applicant_id,
        status="approved",
    )
    FaceChallenge.objects.filter(handle=handle).update(authentication=shown)
    assert grants.issue(FaceChallenge.objects.get(handle=handle), verified_at=now, now=now)


@pytest.mark.parametrize("path", ["/token/", "/token/class/", "/token/once/"])
def test_it_is_asked_and_passes_with_its_challenge(person, path):
    """401, one challenge for who names it, and no session (F-81)."""
    refused = asks(person, path, accept="text/html")
    handle = refused.json()["challenge"]
    again = asks(person, path, **{"face-challenge": handle})

    assert refused.status_code == again.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Token error=")
    assert refused.json()["start_url"] is None
    assert again.json()["challenge"] == handle
    assert FaceChallenge.objects.count() == 1
    assert Session.objects.count() == 1  # the person's own, elsewhere
    assert not refused.cookies

    shows(person, handle)
    assert asks(person, path).status_code == 401
    assert asks(person, path, token="two", **{"face-challenge": handle}).status_code == 401
    opened = asks(person, path, **{"face-challenge": handle})
    assert opened.content == f"for {person.user.username}".encode()
    assert opened["Cache-Control"] == "no-store, private"
    assert "Face-Challenge" in opened["Vary"]
    assert not opened.cookies


def test_the_face_of_the_session_is_not_the_clients(people):
    """Neither for another user, nor for the same one (F-81, F-01)."""
    alice, bob = people(), people()
    alice.passes("/sync/")
    assert alice.browser.get("/sync/").status_code == 200

    for person in (alice, bob):
        answer = asks(person, browser=alice.browser)
        assert (answer.status_code, answer.json()["code"]) == (401, "face_required")


def test_a_user_who_is_found_behind_the_gate_is_refused(people):
    """The gate has judged the session's (F-81, F-01)."""
    alice, bob = people(), people()
    alice.passes("/sync/")

    with pytest.raises(UserChanged):
        asks(bob, "/token/late/", browser=alice.browser)


def test_what_is_no_client(person):
    """(F-81)."""
    request = RequestFactory().get("/")

    with pytest.raises(ValueError, match="anonymous"):
        recognise_client(request, AnonymousUser(), credential="")
    with pytest.raises(TypeError, match="string"):
        recognise_client(request, person.user, credential=7)
