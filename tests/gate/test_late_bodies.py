"""Requests whose body arrives after their headers, as WSGI servers pass them on."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from django_faceauth.gate import face_required
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import revocation
from tests.addresses import served

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FORM = ("application/x-www-form-urlencoded", urlencode({"amount": "1"}))
JSON = ("application/json", json.dumps({"amount": 1}))
PROBLEM = ("application/vnd.bank+json; charset=utf-8", json.dumps({"amount": 1}))


@csrf_exempt
@face_required(action="payout", max_age=120)
def payout(request):
    return HttpResponse(f"paid {request.body.decode()}")


@csrf_exempt
@face_required(action="payout", max_age=120)
def streamed(request):
    return HttpResponse(f"paid {request.read().decode()}")


@pytest.fixture(params=[payout, streamed])
def site(request):
    with served(path("late/", request.param)):
        yield


class SlowBody(BytesIO):
    """A body before which something happens."""

    def __init__(self, content, happens):
        super().__init__(content)
        self.happens = happens

    def read(self, *size):
        if self.happens:
            self.happens()
            self.happens = None
        return super().read(*size)


def sends(browser, body, happens):
    """Send a request with a late body; return the status and the content of the response."""
    kind, text = body
    late = {"wsgi.input": SlowBody(text.encode(), happens)}
    response = browser.generic("POST", "/late/", text, kind, **late)
    return response.status_code, response.content.decode()


@pytest.fixture
def fresh(person, site):
    person.proves(person.is_asked("/late/"))
    return person


def revoke(person):
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())


@pytest.mark.parametrize("body", [FORM, JSON, PROBLEM], ids=["form", "JSON", "+json"])
def test_the_gate_decides_after_the_body(fresh, body):
    """The view can read it, also as a stream; a face may expire or be revoked before (F-03)."""
    assert sends(fresh.browser, body, lambda: None) == (200, f"paid {body[1]}")

    status, _content = sends(fresh.browser, body, lambda: revoke(fresh))
    assert status in {302, 401}
    FaceChallenge.objects.filter(state="revoked").update(state="granted", revoked_at=None)
    assert sends(fresh.browser, body, lambda: None)[0] == 200
    status, _content = sends(fresh.browser, body, lambda: fresh.clock.shift(600))
    assert status in {302, 401}


def test_no_transaction_is_open_while_the_body_arrives(fresh, transactional_db):
    """A slow client would hold its locks (F-03)."""
    seen = []
    once = csrf_exempt(face_required(action="once", single_use=True)(lambda _: HttpResponse("ok")))

    with served(path("late/", once)):
        sends(fresh.browser, JSON, lambda: seen.append(connection.in_atomic_block))

    assert seen == [False]


def test_multipart_bodies_are_left_to_the_view(person):
    """It may set upload handlers, which Django refuses after the body was read (F-32)."""

    def upload(request):
        request.upload_handlers = [MemoryFileUploadHandler(request)]
        return HttpResponse(request.FILES["scan"].read())

    gate = face_required(action="upload")
    with served(path("late/", gate(csrf_exempt(upload)))):
        way_back = person.shows_face(person.is_handed_over(person.is_asked("/late/")))
        person.clock.shift(3)
        person.returns(way_back)  # and does not go on to the page
        answer = person.browser.post("/late/", {"scan": ContentFile(b"a face", name="scan")})

    assert answer.content == b"a face"
